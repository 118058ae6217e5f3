// SPDX-License-Identifier: Apache-2.0
/** The metrics of the speaker. Numbers are read from where they are kept when somebody asks for them. */
import { Counter, Gauge, Registry, registerProcessMetrics } from '@berth/daemon';
import type { EngineName, VipCounters } from '@berth/link';
import { type ConflictSources, registerConflicts } from './conflict-metrics.ts';
import { type MembershipSources, registerMembership } from './membership-metrics.ts';
import type { ServedVip } from './wire.ts';

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
  readonly pools: { readonly isStale: boolean };
}

/** What happened outside of the native thread. */
export interface MetricEvents {
  announced(vip: string, interfaceName: string): void;
  /** A neighbour was told of a VIP by a frame of its own. */
  corrected(interfaceName: string): void;
  announceFailed(interfaceName: string): void;
}

const PREFIX = 'berth_speaker';
/** Of outcomes that are about neighbor discovery; all others are about ARP or the socket. */
const NDP_PREFIX = /^ndp-/;

export class Metrics implements MetricEvents {
  readonly #registry = new Registry();
  /** Announcements by address and interface, each as text; of VIPs that were withdrawn only until somebody reads. */
  #sent = new Map<string, number>();
  readonly #corrections: Counter<'interface'>;
  readonly #failures: Counter<'interface'>;

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
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
    this.#corrections = new Counter({
      name: `${PREFIX}_neighbors_told_total`,
      help: 'Frames to one neighbour alone that told it of a VIP after a takeover',
      labelNames: ['interface'],
      registers,
    });
    this.#failures = new Counter({
      name: `${PREFIX}_announce_failures_total`,
      help: 'Announcements that an interface could not send',
      labelNames: ['interface'],
      registers,
    });
    registerVips(sources, registers);
    registerWire(sources, registers);
    registerState(sources, registers);
    registerMembership(sources.membership, registers);
    registerConflicts(sources.conflicts, registers);
    registerProcessMetrics(this.#registry);
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

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
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
