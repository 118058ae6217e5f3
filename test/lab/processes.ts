// SPDX-License-Identifier: Apache-2.0

// The lab's long-running programs. Each has a record with its process id and
// its start time, since an id alone may belong to a stranger by tomorrow.

import { spawn } from 'node:child_process';
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inNamespace } from './run.ts';
import { type LabPaths, writeAtomically } from './state.ts';

export interface Daemon {
  /** Host it belongs to, as in `node-1`. */
  readonly host: string;
  /** Unique on its host, as in `kubelet`; names its log and its record. */
  readonly program: string;
  readonly namespace: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface ProcessRecord {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTicks: string;
}

/** Starts a daemon unless it already runs. Its output is appended to logs/HOST-PROGRAM.log. */
export async function startDaemon(paths: LabPaths, daemon: Daemon): Promise<void> {
  if ((await runningProcess(paths, daemon.host, daemon.program)) !== undefined) return;
  await mkdir(paths.logs, { recursive: true });
  await mkdir(paths.pids, { recursive: true });
  const log = await open(logFile(paths, daemon.host, daemon.program), 'a');
  try {
    const [program = '', ...args] = inNamespace(daemon.namespace, daemon.argv);
    const child = spawn(program, args, {
      detached: true,
      cwd: '/',
      stdio: ['ignore', log.fd, log.fd],
      env: { ...process.env, ...daemon.env },
    });
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.unref();
    await record(paths, daemon, child.pid ?? 0);
  } finally {
    await log.close();
  }
}

/** The daemon's process, or undefined when it does not run (or its id belongs to another process now). */
export async function runningProcess(
  paths: LabPaths,
  host: string,
  program: string,
): Promise<ProcessRecord | undefined> {
  const text = await readFile(recordFile(paths, host, program), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const saved: ProcessRecord = JSON.parse(text);
  return (await startTicksOf(saved.pid)) === saved.startTicks ? saved : undefined;
}

/** Stops one daemon and waits for its end; SIGKILL follows after `graceMs`. */
export async function stopDaemon(
  paths: LabPaths,
  { host, program, graceMs }: { host: string; program: string; graceMs: number },
): Promise<void> {
  const found = await runningProcess(paths, host, program);
  if (found === undefined) return;
  if (graceMs > 0) signalProcess(found.pid, 'SIGTERM');
  if (graceMs === 0 || !(await endsWithin(found, graceMs))) {
    signalProcess(found.pid, 'SIGKILL');
    await endsWithin(found, 5_000);
  }
  await rm(recordFile(paths, host, program), { force: true });
}

/** Every recorded process that still runs. */
export async function recordedProcesses(paths: LabPaths): Promise<ProcessRecord[]> {
  const files = await readdir(paths.pids).catch(() => []);
  const found = await Promise.all(
    files.map(async (file): Promise<ProcessRecord | undefined> => {
      const saved: ProcessRecord = JSON.parse(await readFile(join(paths.pids, file), 'utf8'));
      return (await startTicksOf(saved.pid)) === saved.startTicks ? saved : undefined;
    }),
  );
  return found.filter((entry) => entry !== undefined);
}

/** Names of the daemons that run on a host. */
export async function runningPrograms(paths: LabPaths, host: string): Promise<string[]> {
  const files = (await readdir(paths.pids).catch(() => [])).filter((file) => file.startsWith(`${host}-`));
  const programs = files.map((file) => file.slice(host.length + 1, -'.json'.length)).sort();
  const running = await Promise.all(programs.map((program) => runningProcess(paths, host, program)));
  return programs.filter((_, position) => running[position] !== undefined);
}

/** The last lines of a daemon's log, for messages about its failure. */
export async function logTail(paths: LabPaths, host: string, program: string): Promise<string> {
  const text = await readFile(logFile(paths, host, program), 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-8).join('\n');
}

export function logFile(paths: LabPaths, host: string, program: string): string {
  return join(paths.logs, `${host}-${program}.log`);
}

/** Start time of a process in clock ticks since boot; undefined when it is gone or only waits to be reaped. */
export async function startTicksOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The command in brackets may hold blanks and brackets; fields count from the last one.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields ?? [];
  return state === 'Z' || state === 'X' ? undefined : fields?.[19];
}

/** Sends a signal; a process that is gone by now is as good. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function endsWithin({ pid, startTicks }: ProcessRecord, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while ((await startTicksOf(pid)) === startTicks) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}

async function record(paths: LabPaths, daemon: Daemon, pid: number): Promise<void> {
  const startTicks = await startTicksOf(pid);
  if (startTicks === undefined) {
    const tail = await logTail(paths, daemon.host, daemon.program);
    throw new Error(`lab: start ${daemon.program} on ${daemon.host}: it ended at once: ${tail}`);
  }
  await writeAtomically(recordFile(paths, daemon.host, daemon.program), JSON.stringify({ pid, startTicks }));
}

function recordFile(paths: LabPaths, host: string, program: string): string {
  return join(paths.pids, `${host}-${program}.json`);
}
