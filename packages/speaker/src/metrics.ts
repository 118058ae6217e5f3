// SPDX-License-Identifier: Apache-2.0
/**
 * The metrics of the speaker. What happens is counted here as it happens; all else is read from where it is kept when
 * somebody asks for it.
 */

import type { EngineName, VipCounters } from '@berth/link';
import {
  Counter,
  Gauge,
  type MeasuredCall,
  type MetricsPage,
  metricsPage,
  Registry,
  registerApiCalls,
  registerProcessMetrics,
} from '@berth/runtime';
import { type ConflictSources, registerConflicts } from './conflict/conflict-metrics.ts';
import { type AnsweringSources, registerAnswering } from './layer2/answering-metrics.ts';
import type { AnnouncementCounters } from './layer2/lan.ts';
import type { ServedVip } from './layer2/wire.ts';
import { MembershipMeasures } from './membership/membership-measures.ts';
import { type MembershipSources, registerMembership } from './membership/membership-metrics.ts';
import { registerSpread, type SpreadSources } from './spread/spread-metrics.ts';

/** Where the numbers come from. */
export interface MetricSources {
  readonly nodeName: string;
  served(): readonly ServedVip[];
  vipCounters(): readonly VipCounters[];
  /** Frames by outcome. */
  outcomes(): ReadonlyMap<string, number>;
  segments(): readonly { readonly ifname: string }[];
  /** What answers. */
  readonly engine: EngineName;
  /** Heartbeats, which hold the fence. */
  readonly beats: { readonly rounds: number; readonly lapses: number };
  readonly membership: MembershipSources;
  readonly conflicts: ConflictSources;
  readonly answering: AnsweringSources;
  readonly spread: SpreadSources;
  readonly pools: { readonly isStale: boolean };
}

const PREFIX = 'berth_speaker';
/** Of outcomes that are about neighbor discovery; all others are about ARP or the socket. */
const NDP_PREFIX = /^ndp-/;

export class Metrics implements AnnouncementCounters {
  readonly #registry = new Registry();
  /** Announcements by address and interface, each as text; of VIPs that were withdrawn only until somebody reads. */
  #sent = new Map<string, number>();
  readonly #corrections: Counter<'interface'>;
  readonly #failures: Counter<'interface'>;
  /** To be called with each call of the API server that has ended. */
  readonly apiCalled: (call: MeasuredCall) => void;
  readonly membership: MembershipMeasures;

  constructor() {
    const registers = [this.#registry];
    this.#corrections = new Counter({
      name: `${PREFIX}_neighbors_told_total`,
      help: 'Frames to a single neighbour that corrected its entry for a VIP after a takeover',
      labelNames: ['interface'],
      registers,
    });
    this.#failures = new Counter({
      name: `${PREFIX}_announce_failures_total`,
      help: 'Announcements that an interface could not send',
      labelNames: ['interface'],
      registers,
    });
    registerProcessMetrics(this.#registry);
    this.apiCalled = registerApiCalls(this.#registry);
    this.membership = new MembershipMeasures(registers);
  }

  /** Adds what is read from these sources from now on. Called once, when all of them are there. */
  readFrom(sources: MetricSources): void {
    const registers = [this.#registry];
    this.#registerSent(sources, registers);
    registerVips(sources, registers);
    registerWire(sources, registers);
    registerState(sources, registers);
    registerMembership(sources.membership, registers);
    registerConflicts(sources.conflicts, registers);
    registerAnswering(sources.answering, registers);
    registerSpread(sources.spread, registers);
  }

  announced(ip: string, interfaceName: string): void {
    const key = sentKey(ip, interfaceName);
    this.#sent.set(key, (this.#sent.get(key) ?? 0) + 1);
  }

  corrected(interfaceName: string): void {
    this.#corrections.inc({ interface: interfaceName });
  }

  announceFailed(interfaceName: string): void {
    this.#failures.inc({ interface: interfaceName });
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** As a scraper asks for it by its header Accept. */
  page(accept: string | undefined): Promise<MetricsPage> {
    return metricsPage(this.#registry, accept);
  }

  #registerSent(sources: MetricSources, registers: Registry[]): void {
    readCounter(
      {
        name: 'gratuitous_sent_total',
        help: 'Announcements sent for a VIP (each in both forms)',
        labelNames: ['ip', 'interface'],
        registers,
      },
      (set) => {
        this.#forgetWithdrawn(sources.served());
        for (const [key, count] of this.#sent) {
          const [ip = '', ifname = ''] = key.split(' ');
          set({ ip, interface: ifname }, count);
        }
      },
    );
  }

  // Addresses come and go for as long as the node runs.
  #forgetWithdrawn(served: readonly ServedVip[]): void {
    const kept = new Set(served.flatMap(({ vip, interfaces }) => interfaces.map((one) => sentKey(String(vip), one))));
    this.#sent = new Map([...this.#sent].filter(([key]) => kept.has(key)));
  }
}

// Neither an address nor the name of an interface has a blank.
function sentKey(ip: string, interfaceName: string): string {
  return `${ip} ${interfaceName}`;
}

function registerVips(sources: MetricSources, registers: Registry[]): void {
  const ofVip = (name: string, help: string, count: (row: VipCounters) => number) =>
    readCounter({ name, help, labelNames: ['ip'], registers }, (set) => {
      for (const row of sources.vipCounters()) set({ ip: String(row.vip) }, count(row));
    });
  ofVip(
    'requests_received_total',
    'Questions (ARP or neighbor discovery) received for a VIP of this node',
    (row) => row.requests,
  );
  ofVip('replies_sent_total', 'Answers sent for a VIP', (row) => row.replies);
  ofVip('foreign_claims_total', 'Frames in which a foreign MAC claimed a VIP of this node', (row) => row.claims);
  new Gauge({
    name: `${PREFIX}_announced`,
    help: '1 for each VIP of a Service that this node announces',
    labelNames: ['service', 'node', 'ip'],
    registers,
    collect() {
      this.reset();
      for (const { vip, services, interfaces } of sources.served()) {
        if (interfaces.length === 0) continue;
        for (const service of services) this.set({ service, node: sources.nodeName, ip: String(vip) }, 1);
      }
    },
  });
}

function registerWire(sources: MetricSources, registers: Registry[]): void {
  const ofProtocol = (protocol: string, name: string, isOf: (outcome: string) => boolean) =>
    readCounter(
      { name, help: `${protocol} frames by what became of them`, labelNames: ['outcome'], registers },
      (set) => {
        for (const [outcome, count] of sources.outcomes())
          if (isOf(outcome)) set({ outcome: outcome.replace(NDP_PREFIX, '') }, count);
      },
    );
  ofProtocol('ARP', 'arp_frames_total', (outcome) => !NDP_PREFIX.test(outcome));
  ofProtocol('Neighbor discovery', 'ndp_frames_total', (outcome) => NDP_PREFIX.test(outcome));
  new Gauge({
    name: `${PREFIX}_interface`,
    help: '1 for each interface on which VIPs are answered',
    labelNames: ['interface'],
    registers,
    collect() {
      this.reset();
      for (const { ifname } of sources.segments()) this.set({ interface: ifname }, 1);
    },
  });
}

function registerState(sources: MetricSources, registers: Registry[]): void {
  new Gauge({
    name: `${PREFIX}_engine`,
    help: '1 for the engine that answers: kernel, kernel-clsact or packet-socket',
    labelNames: ['engine'],
    registers,
  }).set({ engine: sources.engine }, 1);
  readCounter(
    {
      name: 'fence_renewals_total',
      help: 'Renewals of the fence by heartbeats that went out in time',
      labelNames: [],
      registers,
    },
    (set) => {
      set({}, sources.beats.rounds);
    },
  );
  readCounter(
    {
      name: 'fence_expiries_total',
      help: 'Times that the node went silent because a heartbeat was late',
      labelNames: [],
      registers,
    },
    (set) => set({}, sources.beats.lapses),
  );
  new Gauge({
    name: `${PREFIX}_config_stale`,
    help: '1 while the newest pool configuration is refused and an older one in force',
    registers,
    collect() {
      this.set(sources.pools.isStale ? 1 : 0);
    },
  });
}

interface CounterSpec {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: Registry[];
}

// A counter that is kept elsewhere: set anew at each reading.
function readCounter(
  spec: CounterSpec,
  read: (set: (labels: Record<string, string>, count: number) => void) => void,
): void {
  new Counter({
    ...spec,
    name: `${PREFIX}_${spec.name}`,
    collect() {
      this.reset();
      read((labels, count) => this.inc(labels, count));
    },
  });
}
