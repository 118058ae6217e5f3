// SPDX-License-Identifier: Apache-2.0
/** Metrics about membership: whom this node hears, what it owns and why that changed, and how well its heartbeats keep their pace. */
import type { Transport } from '@berth/core';
import { Counter, Gauge, type Registry } from '@berth/daemon';
import type { Clock } from '@berth/kube';
import type { MembershipLoop } from './membership-loop.ts';
import { segmentStateOf } from './node-state.ts';
import type { Segment } from './segments.ts';

/** Where the numbers come from; memberships has them. */
export interface MembershipSources {
  loops(): readonly {
    readonly segment: Pick<Segment, 'ifname' | 'mac'>;
    readonly loop: Pick<MembershipLoop, 'state' | 'drops' | 'transitions'>;
  }[];
  /** Longest delay of a heartbeat in the last ten seconds, in milliseconds. */
  worstDelayMs(): number;
  /** How peers are reached. */
  readonly transport: Transport;
  readonly clock: Pick<Clock, 'now'>;
}

const PREFIX = 'berth_speaker';
const PHASES = ['listening', 'active', 'leaving', 'gone'] as const;

export function registerMembership(sources: MembershipSources, registers: Registry[]): void {
  new Gauge({
    name: `${PREFIX}_members`,
    help: 'Other nodes heard on an interface; hearing is one-way where they do not hear this node',
    labelNames: ['interface', 'hearing'],
    registers,
    collect() {
      this.reset();
      for (const { segment, loop } of sources.loops()) {
        const { members } = segmentStateOf(segment, loop.state, sources.clock.now());
        for (const hearing of ['both', 'one-way'] as const)
          this.set({ interface: segment.ifname, hearing }, members.filter((one) => one.hearing === hearing).length);
      }
    },
  });
  new Gauge({
    name: `${PREFIX}_claims`,
    help: 'VIPs that this node owns on an interface',
    labelNames: ['interface'],
    registers,
    collect() {
      this.reset();
      for (const { segment, loop } of sources.loops()) this.set({ interface: segment.ifname }, loop.state.claims.size);
    },
  });
  new Gauge({
    name: `${PREFIX}_phase`,
    help: '1 for what this node is up to on an interface: listening, active, leaving or gone',
    labelNames: ['interface', 'phase'],
    registers,
    collect() {
      this.reset();
      for (const { segment, loop } of sources.loops())
        for (const phase of PHASES) this.set({ interface: segment.ifname, phase }, loop.state.phase === phase ? 1 : 0);
    },
  });
  new Gauge({
    name: `${PREFIX}_transport`,
    help: '1 for how heartbeats reach the other nodes: multicast, unicast or mixed',
    labelNames: ['transport'],
    registers,
    collect() {
      this.reset();
      this.set({ transport: sources.transport }, 1);
    },
  });
  registerCounts(sources, registers);
}

function registerCounts(sources: MembershipSources, registers: Registry[]): void {
  new Counter({
    name: `${PREFIX}_transitions_total`,
    help: 'VIPs that this node took or gave up, with the reason',
    labelNames: ['interface', 'change', 'reason'],
    registers,
    collect() {
      this.reset();
      for (const { segment, loop } of sources.loops())
        for (const { change, reason, vips } of loop.transitions)
          this.inc({ interface: segment.ifname, change, reason }, vips);
    },
  });
  new Counter({
    name: `${PREFIX}_heartbeats_dropped_total`,
    help: 'Heartbeats that were received and not used, by reason',
    labelNames: ['interface', 'reason'],
    registers,
    collect() {
      this.reset();
      for (const { segment, loop } of sources.loops())
        for (const [reason, count] of loop.drops) this.inc({ interface: segment.ifname, reason }, count);
    },
  });
  new Gauge({
    name: `${PREFIX}_heartbeat_late_seconds`,
    help: 'Longest delay of a heartbeat in the last ten seconds',
    registers,
    collect() {
      this.set(sources.worstDelayMs() / 1000);
    },
  });
}
