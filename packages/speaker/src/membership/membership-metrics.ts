// SPDX-License-Identifier: Apache-2.0
/**
 * Metrics about membership: whom this node hears, what it owns and why that changed, and how well its heartbeats keep
 * their pace.
 */
import type { AnswerReason, Transport } from '@berth/core';
import { type Clock, Counter, Gauge, type Registry } from '@berth/runtime';
import type { Segment } from '../layer2/segments.ts';
import type { MembershipLoop } from './membership-loop.ts';
import { segmentStateOf } from './node-state.ts';

/** Where the numbers come from; memberships has them. */
export interface MembershipSources {
  loops(): readonly {
    readonly segment: Pick<Segment, 'ifname' | 'mac'>;
    readonly loop: Pick<MembershipLoop, 'state' | 'drops' | 'transitions' | 'questionCounts'>;
  }[];
  /** Ready nodes that are not reached on an interface. */
  notReachedOn(ifname: string): readonly string[];
  /** Longest delay of a heartbeat in the last ten seconds, in milliseconds. */
  worstDelayMs(): number;
  /** How peers are reached. */
  readonly transport: Transport;
  readonly clock: Pick<Clock, 'now'>;
}

const PREFIX = 'berth_speaker';
const HEARINGS = ['both', 'one-way', 'lost'] as const;
const PHASES = ['listening', 'active', 'leaving', 'gone'] as const;

const TAKEN_REASONS: readonly AnswerReason[] = ['new', 'orphaned', 'left-over', 'handed-over'];

const QUESTIONS = {
  asked: 'Questions on the wire before a VIP is taken: to a silent owner, or to hosts that are no members',
  answered: 'Answers to these questions',
} as const;

export function registerMembership(sources: MembershipSources, registers: Registry[]): void {
  new Gauge({
    name: `${PREFIX}_members`,
    help:
      'Other nodes on an interface; hearing is one-way where they do not hear this node, lost where their heartbeats do not ' +
      'arrive and they answer for their VIPs all the same',
    labelNames: ['interface', 'hearing'],
    registers,
    collect() {
      this.reset();
      for (const { segment, loop } of sources.loops()) {
        const { members } = segmentStateOf(segment, loop.state, sources.clock.now());
        for (const hearing of HEARINGS)
          this.set({ interface: segment.ifname, hearing }, members.filter((one) => one.hearing === hearing).length);
      }
    },
  });
  new Gauge({
    name: `${PREFIX}_cut_off`,
    help: '1 while this node hears neither most of the members on an interface nor a witness',
    labelNames: ['interface'],
    registers,
    collect() {
      this.reset();
      for (const { segment, loop } of sources.loops())
        this.set({ interface: segment.ifname }, loop.state.company.cutOffSinceMs === undefined ? 0 : 1);
    },
  });
  new Gauge({
    name: `${PREFIX}_nodes_not_reached`,
    help: "Ready nodes of an interface's subnet that are heard in no way and do not answer ARP or neighbor discovery there",
    labelNames: ['interface'],
    registers,
    collect() {
      this.reset();
      for (const { segment } of sources.loops())
        this.set({ interface: segment.ifname }, sources.notReachedOn(segment.ifname).length);
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
    help: '1 for the state of this node on an interface: listening, active, leaving or gone',
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
    help: '1 for how heartbeats reach the other nodes: multicast, unicast, udp or mixed',
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
      for (const { segment, loop } of sources.loops()) {
        // From 0 on: Prometheus sees no increase in a series that begins with the first event.
        for (const reason of TAKEN_REASONS) this.inc({ interface: segment.ifname, change: 'taken', reason }, 0);
        for (const { change, reason, vips } of loop.transitions)
          this.inc({ interface: segment.ifname, change, reason }, vips);
      }
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
  for (const what of ['asked', 'answered'] as const)
    new Counter({
      name: `${PREFIX}_questions_${what}_total`,
      help: QUESTIONS[what],
      labelNames: ['interface', 'about'],
      registers,
      collect() {
        this.reset();
        for (const { segment, loop } of sources.loops())
          for (const about of ['owner', 'witness'] as const)
            this.inc({ interface: segment.ifname, about }, loop.questionCounts[what][about]);
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
