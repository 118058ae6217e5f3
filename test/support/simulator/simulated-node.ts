// SPDX-License-Identifier: Apache-2.0

// A node of the simulation: the state machine, the thread that sends heartbeats, and the table of VIPs with its fence,
// each of which can stop by itself as it can on a real machine.

import {
  afterSending,
  beforeSending,
  CLOSED_FENCE,
  countersHeard,
  currentPaceMs,
  cutOffSinceMs,
  type DesiredVip,
  type Fence,
  type HeartbeatBody,
  held,
  initialMembership,
  MacAddress,
  type MembershipAction,
  type MembershipEvent,
  type MembershipReport,
  type MembershipState,
  mayAnswer,
  nextTickMs,
  type Rebalancing,
  released,
  renewed,
  stepMembership,
  type Timing,
} from '@berth/core';
import type { FakeClock } from '@berth/runtime/testing';
import type { FakeLan } from './fake-lan.ts';
import type { Random } from './random.ts';

/**
 * hung: the deciding process stands still, the sending thread goes on. paused: the whole process does, as with SIGSTOP;
 * the kernel goes on answering until the fence runs out. off: nothing is left.
 */
export type Condition = 'running' | 'hung' | 'paused' | 'off';

export interface NodeParts {
  readonly clock: FakeClock;
  readonly lan: FakeLan;
  readonly random: Random;
  readonly timing: Timing;
  readonly rebalance: Rebalancing;
  /** Called for each VIP that the node begins to answer for. */
  onAnswer(node: SimulatedNode, action: Extract<MembershipAction, { type: 'answer' }>): void;
  /** Called before it stops to answer for one. */
  onStop(node: SimulatedNode, action: Extract<MembershipAction, { type: 'stop' }>): void;
}

/** Frames that a socket holds while no one reads it. */
const SOCKET_FRAMES = 4096;
/** Processing takes up to this long. */
const STEP_MS = 0.3;
const TIMER_LATE_MS = 1;
const WAKING_MS = 30;

export class SimulatedNode {
  readonly name: string;
  condition: Condition = 'off';
  state: MembershipState;
  /** VIPs in the answering table, with the time of entry. */
  readonly table = new Map<string, number>();
  /** When a VIP was taken out of it last. */
  readonly stoppedMs = new Map<string, number>();
  readonly reports: MembershipReport[] = [];
  readonly drops = new Map<string, number>();
  /** left: the cable is out, and this node has given up the segment. */
  segment: 'joined' | 'left' = 'joined';
  announcements = 0;
  steps = 0;
  /** Since when it has been running with all its parts. */
  runningSinceMs = 0;
  conditionSinceMs = 0;
  readonly #parts: NodeParts;
  readonly #number: number;
  #fence: Fence = CLOSED_FENCE;
  #beat: HeartbeatBody | undefined;
  #counter = 0;
  #silences = 0;
  /** The fence is to be released as soon as the process goes on. */
  #isReleasing = false;
  #retired: ReadonlyMap<string, number> = new Map();
  #boots = 0;
  #jumpedMs = 0;
  #waiting: MembershipEvent[] = [];
  #tickAtMs = Number.POSITIVE_INFINITY;
  #desired: readonly DesiredVip[] = [];
  #keepsConnections = true;
  #goodbyes = 0;

  constructor(name: string, number: number, parts: NodeParts) {
    this.name = name;
    this.#number = number;
    this.#parts = parts;
    this.state = this.#fresh();
    parts.lan.join({
      ...{ name, mac: macOf(number) },
      receive: (heartbeat) => {
        if (this.segment === 'joined') this.#give({ type: 'frame', heartbeat });
      },
      answers: (address) => this.answers(address),
      demanded: (address) => this.#hearDemand(address),
    });
  }

  // As the speaker does, which says nothing of it while it is not cut off.
  #hearDemand(address: string): void {
    const vip = this.state.desired.get(address)?.vip;
    if (vip && this.segment === 'joined' && cutOffSinceMs(this.state) !== undefined)
      this.#give({ type: 'demanded', vip });
  }

  get localMs(): number {
    return this.#parts.clock.now() + this.#jumpedMs;
  }

  /** Starts the process anew, with a new boot id and without memory. */
  start(): void {
    this.#become('running');
    this.#boots += 1;
    this.#counter = 0;
    this.#fence = CLOSED_FENCE;
    this.#isReleasing = false;
    this.#release();
    this.#beat = undefined;
    this.#waiting = [];
    this.#goodbyes = 0;
    this.#tickAtMs = Number.POSITIVE_INFINITY;
    this.#clearTable();
    this.segment = 'joined';
    this.state = this.#fresh();
    this.#step({ type: 'desired', vips: this.#desired });
    if (this.#parts.rebalance === 'unbroken') this.#step({ type: 'moves', keepConnections: this.#keepsConnections });
    this.#step({ type: 'tick' });
    this.#scheduleTurn(this.#boots);
    this.#scheduleBeat(this.#parts.random() * this.#parts.timing.intervalMs, this.#boots);
  }

  /** Whether its planned moves break no connection. */
  keepConnections(keepConnections: boolean): void {
    this.#keepsConnections = keepConnections;
    this.#give({ type: 'moves', keepConnections });
  }

  /** SIGKILL, or the power is gone. */
  kill(): void {
    this.#become('off');
    this.#clearTable();
  }

  halt(condition: 'hung' | 'paused'): void {
    if (this.condition === 'running') this.#become(condition);
  }

  /**
   * Its cable is out: the segment is given up, as the speaker does; nothing but the counters that were heard is kept.
   */
  leaveSegment(): void {
    if (this.segment === 'left' || this.condition === 'off') return;
    this.segment = 'left';
    this.#silence();
    this.#beat = undefined;
    this.#retired = countersHeard(this.state);
    this.#waiting = [];
  }

  /** The cable is in again: the segment is joined as a new one, by the same process. */
  rejoinSegment(): void {
    if (this.segment === 'joined' || this.condition === 'off') return;
    this.segment = 'joined';
    const { self } = this.state;
    this.state = this.#fresh({ bootId: self.bootId, retired: this.#retired });
    this.#give({ type: 'desired', vips: this.#desired });
    this.#give({ type: 'tick' });
  }

  /** Goes on: the sending thread at once, the deciding process a little later. */
  resume(): void {
    if (this.condition === 'paused') {
      this.#become('hung');
      this.#sendBeat();
      this.#parts.clock.after(this.#parts.random() * WAKING_MS, () => this.#wake());
    } else this.#wake();
  }

  // With its timers or with its socket first, as it happens.
  #wake(): void {
    if (this.condition !== 'hung') return;
    this.#become('running');
    if (this.#isReleasing) this.#release();
    this.#isReleasing = false;
    if (this.#parts.random() < 0.5) this.#turn();
    const waiting = this.#waiting;
    this.#waiting = [];
    if (this.#parts.random() < 0.5) this.#step({ type: 'tick' });
    for (const event of waiting) this.#step(event);
  }

  /** Its monotonic clock goes ahead at once: the machine slept. */
  jump(aheadMs: number): void {
    this.#jumpedMs += aheadMs;
    this.#become(this.condition);
  }

  give(event: MembershipEvent): void {
    if (event.type === 'desired') this.#desired = event.vips;
    if (this.segment === 'joined') this.#give(event);
  }

  answers(vip: string): boolean {
    return this.condition !== 'off' && this.table.has(vip) && mayAnswer(this.#fence, this.localMs);
  }

  #fresh(before?: { readonly bootId: string; readonly retired: ReadonlyMap<string, number> }): MembershipState {
    const self = {
      node: this.name,
      // Random enough, and different for each start.
      bootId: before?.bootId ?? hex(this.#parts.random()) + hex(this.#number * 65536 + this.#boots, 1),
      port: 2,
      mac: macOf(this.#number),
    };
    const { timing, rebalance } = this.#parts;
    const retired = before && { retired: before.retired };
    return initialMembership({ self, timing, rebalance, ...retired }, this.localMs);
  }

  #become(condition: Condition): void {
    this.condition = condition;
    this.conditionSinceMs = this.#parts.clock.now();
    if (condition === 'running') this.runningSinceMs = this.#parts.clock.now();
  }

  #give(event: MembershipEvent): void {
    if (this.condition === 'running') this.#step(event);
    else if (this.condition !== 'off' && this.#waiting.length < SOCKET_FRAMES) this.#waiting.push(event);
  }

  #step(event: MembershipEvent): void {
    if (this.condition !== 'running' || this.segment === 'left') return;
    this.steps += 1;
    const { state, actions } = stepMembership(this.state, event, this.localMs);
    this.state = state;
    for (const action of actions) this.#execute(action);
    this.#scheduleTick();
  }

  #scheduleTick(): void {
    const { clock, random } = this.#parts;
    const atMs = Math.max(clock.now(), nextTickMs(this.state) - this.#jumpedMs) + random() * TIMER_LATE_MS;
    if (atMs >= this.#tickAtMs && this.#tickAtMs > clock.now()) return;
    this.#tickAtMs = atMs;
    const boots = this.#boots;
    clock.after(atMs - clock.now(), () => {
      if (this.#tickAtMs !== atMs || boots !== this.#boots || this.condition === 'off') return;
      this.#tickAtMs = Number.POSITIVE_INFINITY;
      this.#give({ type: 'tick' });
    });
  }

  #execute(action: MembershipAction): void {
    switch (action.type) {
      case 'stop-all':
        this.#silence();
        break;
      case 'answer':
        this.table.set(String(action.vip), this.#parts.clock.now());
        this.#parts.onAnswer(this, action);
        break;
      case 'stop':
        this.#parts.onStop(this, action);
        this.table.delete(String(action.vip));
        this.stoppedMs.set(String(action.vip), this.#parts.clock.now());
        break;
      case 'announce':
        this.announcements += 1;
        break;
      case 'beat':
        this.#beat = action.body;
        break;
      case 'send':
        this.#sendAll(action.bodies, this.#parts.random() * STEP_MS);
        break;
      case 'question':
        this.#ask(action);
        break;
      case 'drop':
        this.drops.set(action.reason, (this.drops.get(action.reason) ?? 0) + 1);
        break;
      case 'report':
        this.reports.push(action.report);
        break;
      case 'left':
        this.#goodbyes = 3;
        break;
    }
  }

  #clearTable(): void {
    for (const vip of this.table.keys()) this.stoppedMs.set(vip, this.#parts.clock.now());
    this.table.clear();
  }

  #silence(): void {
    this.#clearTable();
    this.#fence = held(this.#fence);
    this.#release();
  }

  // The event loop comes round once more before the table is right; whoever is silenced again meanwhile begins anew.
  #release(): void {
    const boots = this.#boots;
    this.#silences += 1;
    const silences = this.#silences;
    this.#parts.clock.after(this.#parts.random() * STEP_MS, () => {
      const isSame = boots === this.#boots && silences === this.#silences;
      if (isSame && this.condition === 'running') this.#fence = released(this.#fence);
      else if (isSame && this.condition !== 'off') this.#isReleasing = true;
    });
  }

  #ask(question: Extract<MembershipAction, { type: 'question' }>): void {
    const { lan } = this.#parts;
    const boots = this.#boots;
    const give = (event: MembershipEvent) => {
      if (boots === this.#boots && this.segment === 'joined') this.#give(event);
    };
    if (question.about === 'witness') lan.askWitnesses(this.name, () => give({ type: 'witnessed' }));
    else if (question.about === 'station')
      lan.identify(this.name, question.mac, (as) => give({ type: 'identified', mac: question.mac, as }));
    else {
      const { vip } = question;
      lan.ask(this.name, String(vip), (mac) => give({ type: 'answered', vip, mac }));
    }
  }

  // The event loop, once an interval: that it runs is the sign of life that the sending thread wants, and a lapse is
  // seen here.
  #scheduleTurn(boots: number): void {
    const { clock, timing } = this.#parts;
    if (this.condition === 'off' || boots !== this.#boots) return;
    if (this.condition === 'running') this.#turn();
    clock.after(timing.intervalMs, () => this.#scheduleTurn(boots));
  }

  #turn(): void {
    if (this.#fence.lapse === 'lapsed') {
      if (this.segment === 'left') this.#silence();
      else this.#step({ type: 'lapsed' });
    }
    this.#fence = renewed(this.#fence, this.localMs + this.#parts.timing.processFenceMs);
  }

  // The sending thread: every interval, as long as the fences let it.
  #scheduleBeat(delayMs: number, boots: number): void {
    this.#parts.clock.after(delayMs, () => {
      if (this.condition === 'off' || boots !== this.#boots) return;
      if (this.condition !== 'paused') this.#sendBeat();
      this.#scheduleBeat(currentPaceMs(this.state) + (this.#parts.random() - 0.5), boots);
    });
  }

  #sendBeat(): void {
    const { timing } = this.#parts;
    const nowMs = this.localMs;
    const judged = beforeSending(this.#fence, timing, nowMs);
    this.#fence = judged.fence;
    if (judged.may === 'not-send' || this.#beat === undefined) return;
    this.#send(this.#beat);
    this.#fence = afterSending(this.#fence, timing, { beforeMs: nowMs, afterMs: nowMs });
    if (this.#goodbyes > 0 && --this.#goodbyes === 0) this.kill();
  }

  // Numbered when they go out, as on a real machine, where nothing comes between the two.
  #sendAll(bodies: readonly HeartbeatBody[], delayMs: number): void {
    const boots = this.#boots;
    this.#parts.clock.after(delayMs, () => {
      if (this.condition === 'off' || boots !== this.#boots) return;
      for (const body of bodies) this.#send(body);
    });
  }

  #send(body: HeartbeatBody): void {
    this.#counter += 1;
    const { self } = this.state;
    const envelope = { clusterId: CLUSTER, keyId: 1, newestKeyId: 1, counter: this.#counter };
    this.#parts.lan.send(this.name, { ...body, ...envelope, bootId: self.bootId, port: self.port, mac: self.mac });
  }
}

const CLUSTER = '00000000c1057e12';

function hex(number: number, unit = 2 ** 32): string {
  return Math.floor(number * unit)
    .toString(16)
    .padStart(8, '0');
}

function macOf(number: number): MacAddress {
  const bytes = Uint8Array.of(0x00, 0x00, 0x5e, 0x00, 0x53, number & 0xff);
  const mac = MacAddress.fromBytes(bytes);
  if (mac === undefined) throw new Error('simulator: mac: no address');
  return mac;
}
