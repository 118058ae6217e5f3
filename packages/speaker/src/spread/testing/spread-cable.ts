// SPDX-License-Identifier: Apache-2.0
/**
 * Speakers on one cable as spreading sees them: memberships that all hear each other, tables in memory, frames that
 * arrive at once.
 */
import {
  ANNOUNCE_EVERYTHING,
  initialMembership,
  type Member,
  type MembershipState,
  nodeIdOf,
  type SpreadSections,
  timingOf,
} from '@berth/core';
import type { Service } from '@berth/kube';
import type { AttachmentState, ConntrackFlows, SpreadContents } from '@berth/link';
import { type FakeClock, RecordingLog } from '@berth/runtime/testing';
import type { Segment } from '../../layer2/segments.ts';
import { ip, mac } from '../../testing.ts';
import type { SpreadTablePort } from '../spread-table-port.ts';
import { Spreading } from '../spreading.ts';
import type { SpreadingOptions } from '../spreading-options.ts';

export const VIP = '203.0.113.20';
export const CLUSTER = '0123456789abcdef';
export const NO_CONNTRACK: ConntrackFlows = {
  ...{ fingerprints: new BigUint64Array(), services: new Uint16Array(), rows: new Uint16Array(), total: 0, max: 1 },
};

export const SERVICE = {
  metadata: { namespace: 'shop', name: 'web', annotations: { 'berth.dev/serve': 'every-node' } },
  spec: { ports: [{ port: 80 }] },
} as unknown as Service;

export class FakeTable implements SpreadTablePort {
  contents: SpreadContents | undefined;
  strays: readonly bigint[] = [];
  /** By stray: the number of the node at which it lives. */
  numbers: ReadonlyMap<bigint, number> = new Map();
  freshMs = 0;
  isOpen = true;
  keeper: string | undefined;
  isKept = true;
  state: AttachmentState = 'in-place';
  /** VIPs that it has room for. */
  room = Number.POSITIVE_INFINITY;
  readonly attached: number[] = [];
  /** Interfaces where it was attached again. */
  readonly again: number[] = [];

  attach(ifindex: number): void {
    this.attached.push(ifindex);
  }

  attachAgain(ifindex: number): void {
    this.again.push(ifindex);
    this.state = 'in-place';
  }

  look(): AttachmentState {
    return this.state;
  }

  detach(ifindex: number): void {
    this.attached.splice(this.attached.indexOf(ifindex), 1);
  }

  replace(contents: SpreadContents): void {
    if (contents.services.length > this.room) throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
    this.contents = contents;
  }

  setStrays(fingerprints: BigUint64Array, numbers: Uint8Array): number {
    this.strays = [...fingerprints];
    this.numbers = new Map(this.strays.map((fingerprint, index) => [fingerprint, numbers[index] ?? 0]));
    return 0;
  }

  renew(milliseconds: number): void {
    this.freshMs = milliseconds;
  }

  keepBy(path: string): void {
    this.keeper = path;
  }

  counters(): never {
    throw new Error('not asked for here');
  }

  close(): void {
    this.isOpen = false;
  }
}

export interface Played {
  readonly spreading: Spreading;
  readonly table: FakeTable;
  readonly segment: Segment;
  service: Service;
  state: MembershipState;
  flows: ConntrackFlows;
  handedOver: boolean;
  /** Whether its kernel answers for its own address. */
  kernel: 'up' | 'down';
  /** How often the others asked for that. */
  asked: number;
  /** Whether a hypervisor drops what it passes on, which bears addresses of clients. */
  isFiltered: boolean;
  isListening: boolean;
  /** Trial frames that it sent. */
  trials: number;
  onTrial: ((from: Segment['mac']) => void) | undefined;
}

export const NAMES = ['edge-1', 'edge-2', 'edge-3'] as const;

export function segmentOf(name: string): Segment {
  const last = name.slice(-1);
  return { ifindex: 4, ifname: 'eth0', mac: mac(Number(last)), families: ['IPv4'] } as unknown as Segment;
}

export function bootIdOf(name: string): string {
  return name.slice(-1).padStart(16, '0');
}

/** What membership knows on a segment where all hear each other and one owns the VIP. */
export function membershipOf(name: string, owner = 'edge-1'): MembershipState {
  const timing = timingOf({});
  if (!timing.ok) throw new Error(timing.problems.join());
  const self = { node: name, bootId: bootIdOf(name), port: 1, mac: segmentOf(name).mac };
  const claim = { vip: ip(VIP), term: 1, yieldsTo: 1 };
  const members = NAMES.filter((one) => one !== name).map((one) => ({
    ...{ bootId: bootIdOf(one), node: one, mac: segmentOf(one).mac, view: new Set(NAMES.map(bootIdOf)) },
    ...{
      claims: new Map(one === owner ? [[VIP, claim]] : []),
      deafSinceMs: undefined,
      darkSinceMs: undefined,
      phase: 'active',
    },
  })) as unknown as Member[];
  const candidates = NAMES.map((node) => ({ node, standing: 'eligible' as const, score: 0 }));
  return {
    ...initialMembership({ self, timing: timing.timing }, 0),
    members,
    desired: new Map([[VIP, { vip: ip(VIP), candidates }]]),
    claims: new Map(name === owner ? [[VIP, { ...claim, sinceMs: 0 }]] : []),
  };
}

export const WANTED = [
  { service: 'shop/web', vip: ip(VIP), policies: [ANNOUNCE_EVERYTHING], wasAnnounced: true },
] as const;

/** Options for a speaker that hears nobody and has nothing to serve. */
export function optionsOf(clock: FakeClock, more: Partial<SpreadingOptions> = {}): SpreadingOptions {
  return {
    ...{ clock, log: new RecordingLog(), clusterId: () => CLUSTER, openTable: async () => new FakeTable() },
    readConntrack: () => Promise.resolve(NO_CONNTRACK),
    segments: () => [],
    openNodeQuestions: () => ({ ask: () => {}, drain: () => {}, close: () => {} }),
    openTrialFrames: (_segment, onHeard) => ({
      send: () => {},
      listen: () => {
        for (const name of NAMES) onHeard(segmentOf(name).mac);
      },
      rest: () => {},
      close: () => {},
    }),
    wanted: () => WANTED,
    serviceOf: () => SERVICE,
    isFit: () => true,
    ownAddresses: () => [],
    handOver: () => undefined,
    plainMoves: () => undefined,
    onNews: () => undefined,
    ...more,
  };
}

/** Speakers on one cable; frames arrive at once. */
export function play(
  clock: FakeClock,
  names: readonly string[] = NAMES,
  service: Service = SERVICE,
): Map<string, Played> {
  const all = new Map<string, Played>();
  for (const name of names) {
    const table = new FakeTable();
    const segment = segmentOf(name);
    const loop = {
      get state() {
        return one.state;
      },
      saySpread: (sections: SpreadSections) => {
        for (const [other, to] of all)
          if (other !== name) clock.after(0, () => to.spreading.heard(one.state.self.bootId, sections, segment));
      },
    };
    const spreading = new Spreading(
      optionsOf(clock, {
        openTable: async () => table,
        readConntrack: () => Promise.resolve(one.flows),
        segments: () => [{ segment, loop }],
        openNodeQuestions: (_segment, onAnswer) => ({
          ask: ({ id }) => {
            const asked = [...all].find(([other]) => nodeIdOf(other) === id)?.[1];
            if (asked) asked.asked++;
            if (asked?.kernel === 'up') clock.after(1, () => onAnswer(id));
          },
          drain: () => {},
          close: () => {},
        }),
        openTrialFrames: (_segment, onHeard) => {
          one.onTrial = onHeard;
          return {
            send: (to) => {
              one.trials++;
              for (const other of all.values())
                if (other.segment.mac.equals(to) && other.isListening && !one.isFiltered)
                  clock.after(1, () => other.onTrial?.(segment.mac));
            },
            listen: () => {
              one.isListening = true;
            },
            rest: () => {
              one.isListening = false;
            },
            close: () => {
              one.isListening = false;
            },
          };
        },
        serviceOf: () => one.service,
        handOver: () => {
          one.handedOver = true;
        },
      }),
    );
    const one: Played = {
      spreading,
      table,
      segment,
      service,
      state: membershipOf(name),
      flows: NO_CONNTRACK,
      handedOver: false,
      kernel: 'up',
      asked: 0,
      ...{ isFiltered: false, isListening: false, trials: 0, onTrial: undefined },
    };
    all.set(name, one);
  }
  for (const { spreading } of all.values()) spreading.start();
  return all;
}

/** Another node owns the VIP from now on. */
export function moveTo(all: ReadonlyMap<string, Played>, owner: string): void {
  for (const [name, one] of all) {
    one.state = membershipOf(name, owner);
    one.spreading.changed();
  }
}

export async function pass(clock: FakeClock, milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 10) {
    await clock.advance(10);
  }
}
