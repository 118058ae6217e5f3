// SPDX-License-Identifier: Apache-2.0

// Runs one program to its end, the way every part of the lab does it: output
// captured, and a failure that names the command and what it printed.

import { spawn } from 'node:child_process';

export interface RunOptions {
  /** Text for standard input. @default none */
  readonly input?: string;
  /** Environment on top of the lab's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Network namespace to run in (a name below /run/netns). @default the caller's */
  readonly namespace?: string;
  /** Kill the program after this many milliseconds. @default never */
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class RunError extends Error {
  readonly result: RunResult;

  constructor(argv: readonly string[], result: RunResult) {
    const said = (result.stderr.trim() || result.stdout.trim()).slice(-2000);
    super(`run: ${JSON.stringify(argv.join(' '))}: exit ${result.exitCode}: ${said}`);
    this.name = 'RunError';
    this.result = result;
  }
}

/**
 * The argument vector that runs `argv` in a network namespace. Uses nsenter and
 * not `ip netns exec`: that one remounts /sys and hides the cgroups.
 */
export function inNamespace(namespace: string | undefined, argv: readonly string[]): string[] {
  return namespace === undefined ? [...argv] : ['nsenter', `--net=/run/netns/${namespace}`, '--', ...argv];
}

/** Runs `argv` and returns its exit code and output, whatever the exit code is. */
export function tryRun(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program = '', ...args] = inNamespace(options.namespace, argv);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: 'SIGKILL' as const }),
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    child.once('error', (cause) => reject(new Error(`run: ${JSON.stringify(program)}: ${cause.message}`, { cause })));
    child.once('close', (code) => resolve({ exitCode: code ?? 128, ...output }));
    // A program that ends without reading its input is no error of ours.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/** Runs `argv` and returns its standard output; rejects with a RunError on any exit code but 0. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await tryRun(argv, options);
  if (result.exitCode !== 0) throw new RunError(argv, result);
  return result.stdout;
}
