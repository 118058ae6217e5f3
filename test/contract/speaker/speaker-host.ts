// SPDX-License-Identifier: Apache-2.0

// A node for speaker tests: a network namespace on the lab's LAN in which the real speaker process runs, and a Node
// object whose heartbeat this file sends in the kubelet's place.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isKubeError, type KubeClient, nodes } from '@berth/kube';
import type { Lab } from '../../lab/lab.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'packages', 'speaker', 'src', 'main.ts');
const METRICS_PORT = 7481;
/** The lab's controller manager calls a Node unknown that is silent for 4 s. */
const HEARTBEAT_MS = 1000;

export interface SpeakerHostOptions {
  readonly lab: Lab;
  readonly client: KubeClient;
  /** Name of the Node and of the cable on the LAN; at most 15 characters. */
  readonly name: string;
  /** Last byte of the host's LAN address. */
  readonly number: number;
  readonly argv: readonly string[];
}

export class SpeakerHost {
  readonly name: string;
  readonly address: string;
  readonly #options: SpeakerHostOptions;
  readonly #namespace: string;
  readonly #lan: string;
  #heartbeat: NodeJS.Timeout | undefined;
  #process: ChildProcess | undefined;
  #log = '';

  constructor(options: SpeakerHostOptions) {
    const { lab, name, number } = options;
    this.name = name;
    this.#options = options;
    this.#namespace = `berth-${lab.name}-${name}`;
    this.#lan = `berth-${lab.name}-lan`;
    this.address = (lab.plan.lans[0]?.[0] ?? '').replace(/\d+\/24$/, String(number));
  }

  async up(): Promise<void> {
    // A run that died has left it behind.
    if (existsSync(`/run/netns/${this.#namespace}`)) ip('netns', 'delete', this.#namespace);
    ip('netns', 'add', this.#namespace);
    ip('-n', this.#lan, 'link', 'add', this.name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#namespace);
    ip('-n', this.#lan, 'link', 'set', this.name, 'master', 'lan-1', 'up');
    ip('-n', this.#namespace, 'address', 'add', `${this.address}/24`, 'dev', 'eth0');
    ip('-n', this.#namespace, 'link', 'set', 'eth0', 'up');
    ip('-n', this.#namespace, 'link', 'set', 'lo', 'up');
    await this.#options.client.create(nodes, { metadata: { name: this.name } });
    await this.setReady('True');
    this.#heartbeat = setInterval(() => void this.setReady('True').catch(ignoreRace), HEARTBEAT_MS);
  }

  /** Starts the speaker, with options of this start alone; `until(isReady)` tells when it takes part. */
  start(...more: readonly string[]): void {
    const { lab, argv } = this.#options;
    const options = [`--kubeconfig=${lab.kubeconfig}`, `--node-name=${this.name}`, ...argv, ...more];
    const command = [`--net=/run/netns/${this.#namespace}`, process.execPath, MAIN, ...options];
    this.#process = spawn('nsenter', command, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process.stdout?.on('data', (chunk) => {
      this.#log += chunk;
    });
  }

  get log(): string {
    return this.#log;
  }

  /** MAC address of the host on the LAN. */
  get mac(): string {
    return this.macOf('eth0');
  }

  macOf(ifname: string): string {
    return JSON.parse(this.run('ip', '-json', 'link', 'show', ifname))[0].address;
  }

  /** Gives the host one more card in the same LAN. */
  addCard(ifname: string): void {
    const port = `${this.name}-${ifname}`;
    ip('-n', this.#lan, 'link', 'add', port, 'type', 'veth', 'peer', 'name', ifname, 'netns', this.#namespace);
    ip('-n', this.#lan, 'link', 'set', port, 'master', 'lan-1', 'up');
    ip('-n', this.#namespace, 'link', 'set', ifname, 'up');
  }

  removeCard(ifname: string): void {
    ip('-n', this.#namespace, 'link', 'delete', ifname);
  }

  run(command: string, ...argv: string[]): string {
    return execFileSync('nsenter', [`--net=/run/netns/${this.#namespace}`, command, ...argv], { encoding: 'utf8' });
  }

  get #far(): string {
    return `${this.#namespace}-far`;
  }

  /** Gives the host one more interface, on a segment of its own with one other host, `far`. */
  addSegment(ifname: string): void {
    ip('netns', 'add', this.#far);
    ip('-n', this.#namespace, 'link', 'add', ifname, 'type', 'veth', 'peer', 'name', 'far0', 'netns', this.#far);
    ip('-n', this.#far, 'address', 'add', '10.99.99.1/24', 'dev', 'far0');
    ip('-n', this.#far, 'link', 'set', 'far0', 'up');
    ip('-n', this.#namespace, 'link', 'set', ifname, 'up');
  }

  removeSegment(): void {
    ip('netns', 'delete', this.#far);
  }

  /** Whether somebody answers for the VIP on the segment that was added. */
  answersFar(vip: string): boolean {
    const asked = ['arping', '-c', '1', '-w', '1', '-I', 'far0', vip];
    try {
      execFileSync('nsenter', [`--net=/run/netns/${this.#far}`, ...asked], { stdio: 'ignore' });
      return true;
    } catch {
      // arping ends with 1 when no one answered.
      return false;
    }
  }

  /** Runs a program in the host's network until it is killed. */
  spawn(...argv: readonly string[]): ChildProcess {
    return spawn('nsenter', [`--net=/run/netns/${this.#namespace}`, ...argv], { stdio: 'ignore' });
  }

  cable(position: 'up' | 'down'): void {
    ip('-n', this.#lan, 'link', 'set', this.name, position);
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  get exitCode(): number | null | undefined {
    return this.#process?.exitCode;
  }

  async isReady(): Promise<boolean> {
    const response = await fetch(`http://${this.address}:${METRICS_PORT}/readyz`, {
      signal: AbortSignal.timeout(1000),
    });
    return response.status === 200;
  }

  /** VIPs that the speaker says it announces. */
  async announced(): Promise<string[]> {
    const response = await fetch(`http://${this.address}:${METRICS_PORT}/metrics`, {
      signal: AbortSignal.timeout(20_000),
    });
    const lines = (await response.text()).split('\n').filter((line) => /^berth_speaker_announced\{.*\} 1$/.test(line));
    return [...new Set(lines.map((line) => /ip="([^"]+)"/.exec(line)?.[1] ?? '?'))];
  }

  /**
   * The value of one series, or undefined when it is not there. `labels` as the text between the braces, in their
   * order.
   */
  async metric(name: string, labels = ''): Promise<number | undefined> {
    const response = await fetch(`http://${this.address}:${METRICS_PORT}/metrics`, {
      signal: AbortSignal.timeout(1000),
    });
    const series = labels === '' ? name : `${name}{${labels}}`;
    const line = (await response.text()).split('\n').find((one) => one.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  async setReady(status: 'True' | 'False'): Promise<void> {
    const now = new Date().toISOString();
    const condition = {
      type: 'Ready',
      status,
      lastHeartbeatTime: now,
      lastTransitionTime: now,
      reason: 'Test',
      message: '',
    };
    const body = { status: { conditions: [condition] } };
    await this.#options.client.patch(
      nodes,
      { name: this.name },
      { type: 'strategic', body },
      { subresource: 'status' },
    );
  }

  /** Changes the Node object, or with `subresource` its status. */
  async patchNode(body: object, subresource?: 'status'): Promise<void> {
    const options = subresource === undefined ? {} : { subresource };
    await this.#options.client.patch(nodes, { name: this.name }, { type: 'strategic', body }, options);
  }

  async label(labels: Readonly<Record<string, string | null>>): Promise<void> {
    await this.#options.client.patch(nodes, { name: this.name }, { type: 'merge', body: { metadata: { labels } } });
  }

  down(): void {
    clearInterval(this.#heartbeat);
    this.#process?.kill('SIGKILL');
    ip('netns', 'delete', this.#namespace);
  }
}

// A heartbeat may be under way when the test takes the API server down.
function ignoreRace(error: unknown): void {
  if (!isKubeError(error)) throw error;
}

function ip(...argv: string[]): void {
  execFileSync('ip', argv, { stdio: ['ignore', 'ignore', 'inherit'] });
}
