// SPDX-License-Identifier: Apache-2.0
/**
 * A small LAN for tests: one bridge, hosts in network namespaces of their own, each with `lan0` on the bridge. In each
 * host runs a program (wire-host.ts) that opens sockets there and does what the test says. Needs root.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineName } from '@berth/link';
import type { HostCalls, HostMessage } from './wire-host.ts';

/** Longest wait for anything that a test waits for, in milliseconds. */
const PATIENCE_MS = 5000;
const PREFIX = `berth-wire-${process.pid}`;

let lanCount = 0;

/** Names the hosts of a LAN and the addresses that the kernel of each has, in CIDR notation. */
export interface LanPlan {
  readonly [host: string]: {
    readonly addresses?: readonly string[];
    /**
     * By how many seconds CLOCK_BOOTTIME of its program is ahead of the kernel's, as if it alone had slept. Default: 0.
     */
    readonly boottimeAhead?: number;
  };
}

/** A frame that a host saw, as hex text without blanks. */
export interface SeenFrame {
  readonly hex: string;
  readonly ifname: string;
  readonly atMs: number;
}

/** Waits until the condition holds, looking again every few milliseconds; fails after {@link PATIENCE_MS}. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms in vain until ${what}`);
    await delay(5);
  }
}

/** A host on the LAN. Calls run in its namespace. */
export class WireHost {
  readonly seen: SeenFrame[] = [];
  readonly #child: ChildProcess;
  readonly #namespace: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #calls = 0;

  constructor(namespace: string, boottimeAhead = 0) {
    this.#namespace = namespace;
    const ahead = ['unshare', '--time', '--boottime', String(boottimeAhead), '--fork', '--kill-child'];
    const program = [process.execPath, join(import.meta.dirname, 'wire-host.ts')];
    const argv = [`--net=/run/netns/${namespace}`, ...(boottimeAhead === 0 ? [] : ahead), ...program];
    this.#child = spawn('nsenter', argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (message: HostMessage) => this.#onMessage(message));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Calls a function of wire-host.ts. */
  call<Name extends keyof HostCalls>(
    name: Name,
    ...given: Parameters<HostCalls[Name]>
  ): Promise<Awaited<ReturnType<HostCalls[Name]>>> {
    const id = this.#calls++;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    this.#child.send({ id, name, given });
    return answer.promise as Promise<Awaited<ReturnType<HostCalls[Name]>>>;
  }

  /** Runs a command in the host's namespace; returns what it printed. */
  run(command: string, ...argv: string[]): string {
    return execFileSync('nsenter', [`--net=/run/netns/${this.#namespace}`, command, ...argv], { encoding: 'utf8' });
  }

  /** Runs a command that may fail; returns its exit code and what it printed. */
  async attempt(...argv: string[]): Promise<{ code: number; output: string }> {
    const child = spawn('nsenter', [`--net=/run/netns/${this.#namespace}`, ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    return new Promise((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, output })));
  }

  /**
   * Stops the host's program and waits until all of its threads stand still: a busy machine lets one run on for a
   * moment.
   */
  async freeze(): Promise<void> {
    this.signal('SIGSTOP');
    const tasks = `/proc/${this.pid}/task`;
    // The state stands behind the name, which is in brackets (proc(5)).
    const isStopped = (task: string) => /\) T/.test(readFileSync(join(tasks, task, 'stat'), 'utf8'));
    await until('all threads stand still', () => readdirSync(tasks).every(isStopped));
  }

  /** Kills the host's program as SIGKILL or another signal does; the namespace stays. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async ended(): Promise<void> {
    await until(
      'the program of the host has ended',
      () => this.#child.exitCode !== null || this.#child.signalCode !== null,
    );
  }

  #onMessage(message: HostMessage): void {
    if ('frame' in message) {
      this.seen.push({ hex: message.frame, ifname: message.ifname, atMs: message.atMs });
      return;
    }
    const answer = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('error' in message) answer?.reject(Object.assign(new Error(message.error.message), message.error));
    else answer?.resolve(message.result);
  }
}

/** One LAN with its hosts. */
export class WireLan {
  readonly #hosts = new Map<string, WireHost>();
  readonly #prefix: string;
  readonly #names: readonly string[];

  private constructor(prefix: string, names: readonly string[]) {
    this.#prefix = prefix;
    this.#names = names;
  }

  /** Makes namespaces, cables and programs, which answer with this engine. Call {@link WireLan.down} in any case. */
  static async up(plan: LanPlan, engine: EngineName = 'packet-socket'): Promise<WireLan> {
    const lan = new WireLan(`${PREFIX}-${lanCount++}`, Object.keys(plan));
    lan.#lay(plan);
    for (const name of lan.#names)
      lan.#hosts.set(name, new WireHost(lan.#namespaceOf(name), plan[name]?.boottimeAhead));
    await Promise.all(lan.#names.map((name) => lan.host(name).call('ping')));
    await Promise.all(lan.#names.map((name) => lan.host(name).call('useEngine', engine)));
    return lan;
  }

  host(name: string): WireHost {
    const host = this.#hosts.get(name);
    if (!host) throw new Error(`no host "${name}" on this LAN`);
    return host;
  }

  /** Starts another program in the namespace of a host whose own was killed. */
  respawn(name: string): WireHost {
    const host = new WireHost(this.#namespaceOf(name));
    this.#hosts.set(name, host);
    return host;
  }

  /** Unplugs or plugs the host's cable at the bridge. */
  cable(name: string, state: 'up' | 'down'): void {
    ip('-n', `${this.#prefix}-lan`, 'link', 'set', name, state);
  }

  /** What the bridge does with broadcasts for a host: floods them as usual, or loses them as bad Wi-Fi does. */
  broadcasts(name: string, state: 'flood' | 'lose'): void {
    const argv = [
      '-n',
      `${this.#prefix}-lan`,
      'link',
      'set',
      'dev',
      name,
      'bcast_flood',
      state === 'flood' ? 'on' : 'off',
    ];
    execFileSync('bridge', argv, { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  async down(): Promise<void> {
    for (const host of this.#hosts.values()) host.signal('SIGKILL');
    await Promise.all([...this.#hosts.values()].map((host) => host.ended()));
    for (const name of ['lan', ...this.#names]) ip('netns', 'delete', this.#namespaceOf(name));
  }

  #namespaceOf(name: string): string {
    return `${this.#prefix}-${name}`;
  }

  #lay(plan: LanPlan): void {
    const bridge = this.#namespaceOf('lan');
    ip('netns', 'add', bridge);
    ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', bridge, 'link', 'set', 'br0', 'up');
    for (const [name, { addresses = [] }] of Object.entries(plan)) {
      const namespace = this.#namespaceOf(name);
      ip('netns', 'add', namespace);
      ip('-n', bridge, 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'lan0', 'netns', namespace);
      ip('-n', bridge, 'link', 'set', name, 'master', 'br0', 'up');
      for (const address of addresses) ip('-n', namespace, 'address', 'add', address, 'dev', 'lan0');
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
      ip('-n', namespace, 'link', 'set', 'lan0', 'up');
    }
  }
}

function ip(...argv: string[]): void {
  execFileSync('ip', argv, { stdio: ['ignore', 'ignore', 'inherit'] });
}
