// SPDX-License-Identifier: Apache-2.0

// What can happen to a LAN while every cable stays in: a split, a node that is not heard, lost frames. Rules of
// nftables on the emulated switch of a lab; hosts notice nothing but the silence.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { monotonicMs } from './wire-watch.ts';

/** EtherType of heartbeats. */
const HEARTBEAT = '0x88b5';
/** Port to which they go by UDP. */
const DATAGRAMS = 7482;

const NO_FAULTS = `
table bridge faults
delete table bridge faults
`;

/** A process that waits for rules, so that its start is not part of what is measured. */
type Waiting = ChildProcessByStdio<Writable, null, Readable>;

export class LanFaults {
  readonly #namespace: string;
  #next: Waiting;

  /** `labName` as in `Lab.up`. Call {@link LanFaults.close} in the end. */
  constructor(labName: string) {
    this.#namespace = `berth-${labName}-lan`;
    this.#next = this.#spawn();
  }

  /**
   * Splits the segment: these ports of the switch on one side, all others on the other. Returns the moment, see {@link
   * heal}.
   */
  split(ports: readonly string[]): Promise<number> {
    const far = `{ ${ports.map((port) => `"${port}"`).join(', ')} }`;
    return this.#apply([`iifname ${far} oifname != ${far} drop`, `iifname != ${far} oifname ${far} drop`]);
  }

  /**
   * Drops heartbeats that a port sends. What others send still reaches it, and so does all other traffic of its own.
   */
  mute(port: string): Promise<number> {
    return this.#apply([`iifname "${port}" ether type ${HEARTBEAT} drop`]);
  }

  /**
   * Drops whatever one port sends to another; the other direction works, as with a cable of which one pair is broken.
   */
  oneWay(from: string, to: string): Promise<number> {
    return this.#apply([`iifname "${from}" oifname "${to}" drop`]);
  }

  /** Drops heartbeats alone, those that a port sends and those that it would receive; without a port, all of them. */
  filterHeartbeats(port?: string): Promise<number> {
    return this.#apply(directionsOf(port).map((direction) => `${direction}ether type ${HEARTBEAT} drop`));
  }

  /**
   * Drops heartbeats of one port by whatever way they go, frames and datagrams, those that it sends and those that it
   * would receive.
   */
  silence(port: string): Promise<number> {
    const kinds = [`ether type ${HEARTBEAT}`, `udp dport ${DATAGRAMS}`];
    return this.#apply(directionsOf(port).flatMap((direction) => kinds.map((kind) => `${direction}${kind} drop`)));
  }

  /** Loses this share of all frames, each copy of a flooded one by itself. */
  lose(percent: number): Promise<number> {
    return this.#apply([`numgen random mod 100 < ${percent} drop`]);
  }

  /** Undoes everything. Returns a moment just before it took effect, in milliseconds of CLOCK_MONOTONIC. */
  heal(): Promise<number> {
    return this.#run(NO_FAULTS);
  }

  close(): void {
    this.#next.kill();
  }

  #apply(rules: readonly string[]): Promise<number> {
    const lines = ['type filter hook forward priority 0', ...rules];
    return this.#run(`${NO_FAULTS}\ntable bridge faults {\nchain forward {\n${lines.join('\n')}\n}\n}\n`);
  }

  async #run(rules: string): Promise<number> {
    const nft = this.#next;
    this.#next = this.#spawn();
    const said = text(nft.stderr);
    const startMs = monotonicMs();
    nft.stdin.end(rules);
    const [code] = await once(nft, 'exit');
    if (code !== 0) throw new Error(`lan faults: nft: ${(await said).trim()}`);
    return startMs;
  }

  #spawn(): Waiting {
    const argv = [`--net=/run/netns/${this.#namespace}`, 'nft', '-f', '-'];
    return spawn('nsenter', argv, { stdio: ['pipe', 'ignore', 'pipe'] });
  }
}

/** How rules begin that are about what a port sends or receives; about everything without one. */
function directionsOf(port: string | undefined): string[] {
  return port === undefined ? [''] : [`iifname "${port}" `, `oifname "${port}" `];
}
