// SPDX-License-Identifier: Apache-2.0
/**
 * Asks on the wire, now and then, who answers for VIPs of other members, and compares with the owner that heartbeats
 * name. A wrong answer is asked for twice more before it is reported, and again and again afterwards until it is right.
 */
import {
  beginRound,
  type IpAddress,
  isOver,
  type MacAddress,
  ownerOf,
  type TestFailure,
  type TestRound,
  takeDue,
  testerOf,
  testFailure,
  type UnreachableVip,
  type VipOwner,
} from '@berth/core';
import type { AddressProber } from '@berth/link';
import { type Clock, Signal, type Timer } from '@berth/runtime';
import type { WiredSegment } from './first-use.ts';

const TICK_MS = 1_000;
/** A wrong answer may be one of a moment, as when the VIP moves: it is reported after so many in a row. */
const FAILURES_REPORTED = 3;
/** Time to the next question for a VIP with a wrong answer, before and after it was reported, in milliseconds. */
const AGAIN_MS = { doubted: 2_000, reported: 15_000 } as const;

export interface SelfTestOptions {
  readonly clock: Clock;
  readonly nodeName: string;
  readonly prober: Pick<AddressProber, 'resolve'>;
  joined(): readonly WiredSegment[];
}

interface Doubt {
  readonly vip: IpAddress;
  readonly owner: VipOwner;
  failures: number;
  dueMs: number;
  reported: UnreachableVip | undefined;
}

interface Walk {
  readonly round: TestRound;
  readonly beganSeconds: number;
  /** When the last whole round began. */
  readonly coveredSeconds: number | undefined;
}

/** What one question for one VIP on one segment brought. */
export interface Heard {
  readonly vip: IpAddress;
  readonly interface: string;
  /** Undefined: no one claims it. */
  readonly owner: VipOwner | undefined;
  readonly macs: readonly MacAddress[];
}

export class SelfTest {
  readonly name = 'self-test';
  /** A VIP became unreachable, as heard from here, or reachable again. */
  readonly changes = new Signal<[vip: UnreachableVip, change: 'failed' | 'recovered', owner: string]>();
  readonly #options: SelfTestOptions;
  readonly #walks = new Map<number, Walk>();
  /** By VIP and interface. */
  readonly #doubts = new Map<string, Doubt>();
  readonly #counts: Record<'right' | TestFailure, number> = {
    right: 0,
    'no-answer': 0,
    'wrong-answer': 0,
    'several-answers': 0,
  };
  #timer: Timer | undefined;
  #isRunning = false;

  constructor(options: SelfTestOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isRunning = true;
    this.#plan();
  }

  stop(): void {
    this.#isRunning = false;
    this.#timer?.cancel();
  }

  /** VIPs of others that do not answer as they should. */
  unreachable(): UnreachableVip[] {
    return [...this.#doubts.values()].flatMap(({ reported }) => reported ?? []);
  }

  /**
   * All VIPs that were announced by then were asked for since, by one member each; seconds of the wall clock.
   * Undefined: not yet.
   */
  get coveredSeconds(): number | undefined {
    const covered = [...this.#walks.values()].map(({ coveredSeconds }) => coveredSeconds);
    const isWhole = covered.length > 0 && covered.every((seconds) => seconds !== undefined);
    return isWhole ? covered.reduce((least, seconds) => Math.min(least, seconds), covered[0] ?? 0) : undefined;
  }

  /** Tests by what they brought. */
  get counts(): Readonly<Record<'right' | TestFailure, number>> {
    return this.#counts;
  }

  /** Asks at once for these VIPs, on every segment, whoever owns them; or for all that others own. */
  async hear(vips: readonly IpAddress[] | 'all', atMost: number): Promise<Heard[]> {
    const questions = this.#options.joined().flatMap((where) => {
      const wanted = vips === 'all' ? othersVips(where) : vips;
      return wanted
        .filter(({ family }) => where.segment.families.includes(family))
        .map((vip) => async (): Promise<Heard[]> => {
          const macs = await this.#ask(vip, where);
          const owner = ownerOf(where.loop.state, String(vip));
          return macs ? [{ vip, interface: where.segment.ifname, owner, macs }] : [];
        });
    });
    return inGroups(questions.slice(0, atMost));
  }

  #plan(): void {
    if (!this.#isRunning) return;
    this.#timer = this.#options.clock.after(TICK_MS, () => {
      this.#tick();
      this.#plan();
    });
  }

  #tick(): void {
    const joined = this.#options.joined();
    for (const ifindex of this.#walks.keys())
      if (!joined.some(({ segment }) => segment.ifindex === ifindex)) this.#walks.delete(ifindex);
    for (const where of joined) {
      const { phase, members } = where.loop.state;
      if (phase !== 'active' || members.length === 0) this.#walks.delete(where.segment.ifindex);
      else this.#walk(where);
    }
    this.#lookAgain(joined);
  }

  #walk(where: WiredSegment): void {
    const { clock } = this.#options;
    const { ifindex } = where.segment;
    const walk = this.#walks.get(ifindex) ?? this.#begin(where, undefined);
    const [round, due] = takeDue(walk.round, clock.now(), (key) => where.loop.state.desired.has(key));
    for (const key of due) if (this.#isOurTurn(where, key)) void this.#test(where, key);
    const next = isOver(round, clock.now()) ? this.#begin(where, walk.beganSeconds) : { ...walk, round };
    this.#walks.set(ifindex, next);
  }

  #begin({ loop }: WiredSegment, coveredSeconds: number | undefined): Walk {
    const { clock } = this.#options;
    const beganSeconds = Math.floor(clock.date().getTime() / 1000);
    return { round: beginRound(loop.state.desired.keys(), clock.now()), beganSeconds, coveredSeconds };
  }

  #isOurTurn({ loop }: WiredSegment, key: string): boolean {
    const { state } = loop;
    const owner = ownerOf(state, key);
    if (owner === undefined) return false;
    const names = [state.self.node, ...state.members.map(({ node }) => node)];
    return testerOf(key, owner.node, names) === this.#options.nodeName;
  }

  async #test(where: WiredSegment, key: string): Promise<void> {
    const vip = where.loop.state.desired.get(key)?.vip;
    const before = ownerOf(where.loop.state, key);
    const macs = vip && before && (await this.#ask(vip, where));
    const owner = ownerOf(where.loop.state, key);
    // What was asked while the VIP moved says nothing.
    if (!this.#isRunning || !vip || !owner || !macs || owner.bootId !== before?.bootId) return;
    const failure = testFailure(macs, owner.mac);
    this.#counts[failure ?? 'right'] += 1;
    if (failure === undefined) this.#recover(`${key} ${where.segment.ifindex}`);
    else this.#fail({ vip, interface: where.segment.ifname, owner, macs }, failure, where.segment.ifindex);
  }

  async #ask(vip: IpAddress, { segment }: WiredSegment): Promise<readonly MacAddress[] | undefined> {
    const { ifindex, mac } = segment;
    const result = await this.#options.prober.resolve({ candidate: vip, ifindex, mac });
    return result.end === 'heard' ? result.macs : undefined;
  }

  #fail({ vip, interface: ifname, owner, macs }: Heard, why: TestFailure, ifindex: number): void {
    const { clock } = this.#options;
    if (owner === undefined) return;
    const key = `${vip} ${ifindex}`;
    const known = this.#doubts.get(key);
    const doubt =
      known?.owner.bootId === owner.bootId ? known : { vip, owner, failures: 0, dueMs: 0, reported: undefined };
    this.#doubts.set(key, doubt);
    doubt.failures += 1;
    doubt.dueMs = clock.now() + (doubt.failures < FAILURES_REPORTED ? AGAIN_MS.doubted : AGAIN_MS.reported);
    const isNews = doubt.reported?.why !== why || String(doubt.reported.macs) !== String(macs);
    if (doubt.failures < FAILURES_REPORTED || !isNews) return;
    const sinceSeconds = doubt.reported?.sinceSeconds ?? Math.floor(clock.date().getTime() / 1000);
    doubt.reported = { vip, interface: ifname, why, macs, sinceSeconds };
    this.changes.emit(doubt.reported, 'failed', owner.node);
  }

  #recover(key: string): void {
    const doubt = this.#doubts.get(key);
    this.#doubts.delete(key);
    if (doubt?.reported) this.changes.emit(doubt.reported, 'recovered', doubt.owner.node);
  }

  // With another owner or none the question is another one; its own round asks it.
  #lookAgain(joined: readonly WiredSegment[]): void {
    for (const [key, doubt] of [...this.#doubts]) {
      const where = joined.find(({ segment }) => key === `${doubt.vip} ${segment.ifindex}`);
      const owner = where && ownerOf(where.loop.state, String(doubt.vip));
      if (where === undefined || owner?.bootId !== doubt.owner.bootId) this.#recover(key);
      else if (doubt.dueMs <= this.#options.clock.now()) {
        doubt.dueMs = Number.POSITIVE_INFINITY;
        void this.#test(where, String(doubt.vip)).then(() => {
          if (doubt.dueMs === Number.POSITIVE_INFINITY) doubt.dueMs = this.#options.clock.now() + AGAIN_MS.doubted;
        });
      }
    }
  }
}

function othersVips({ loop }: WiredSegment): IpAddress[] {
  return [...loop.state.desired.values()]
    .map(({ vip }) => vip)
    .filter((vip) => {
      const owner = ownerOf(loop.state, String(vip));
      return owner !== undefined && owner.bootId !== loop.state.self.bootId;
    });
}

/** Questions at a time. */
const GROUP = 25;

async function inGroups<T>(questions: readonly (() => Promise<T[]>)[]): Promise<T[]> {
  const answers: T[] = [];
  for (let start = 0; start < questions.length; start += GROUP) {
    const group = await Promise.all(questions.slice(start, start + GROUP).map((ask) => ask()));
    answers.push(...group.flat());
  }
  return answers;
}
