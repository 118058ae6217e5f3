// SPDX-License-Identifier: Apache-2.0
/**
 * Random schedules of everything that may happen to the nodes that serve, with connections that are idle, chatting or
 * new.
 */
import { seeded } from './seeded.ts';
import { type Connection, SpreadLan } from './spread-lan.ts';

const VIPS = ['203.0.113.20', '203.0.113.21'] as const;
const STEPS = 30;
const OPENED_A_STEP = 12;
/** Connections that send in each step; the others are idle. */
const CHATTING = 0.3;
const SETTLE_MS = 15_000;
const READY_AFTER_MS = 2_000;
/** A change of who serves is over by then, the reading of conntrack after it included. */
const CALM_BEFORE_KILL_MS = 4_000;
const CALM_AFTER_KILL_MS = 1_500;
/**
 * Share of the connections that send all the time while a speaker is lost, and how often each does, in milliseconds.
 */
const BUSY = { share: 0.3, everyMs: 25, forMs: 1_000 } as const;
/** A speaker that is frozen goes on after so long at most, in milliseconds. */
const FROZEN_FOR_MS = 6_000;

export interface Played {
  readonly log: readonly string[];
  readonly connections: readonly Connection[];
  readonly commits: readonly { readonly tookMs: number; readonly how: string }[];
}

export interface ScheduleOptions {
  readonly seed: number;
  /** Whether nodes may lose power. */
  readonly crashes: 'none' | 'some';
  /**
   * Whether speakers are killed or frozen: one at a time, while every node serves, and who can serve stays as it is
   * until it is back. Default: none.
   */
  readonly kills?: 'none' | 'some';
}

/** Plays one schedule to its end; at the end each connection has sent once more. */
export function playSchedule({ seed, crashes, kills = 'none' }: ScheduleOptions): Played {
  const random = seeded(seed);
  const serve = random() < 0.3 && kills === 'none' ? 'owner' : 'every-node';
  const lateMs = kills === 'none' ? 2 : 40;
  const lan = new SpreadLan({ random, loss: random() * 0.1, lateMs, serve, unaware: 0 });
  const names = Array.from({ length: 2 + Math.floor(random() * 5) }, (_, index) => `node-${index + 1}`);
  const log: string[] = [`${serve} ${names.length} nodes`];
  const live = () => names.filter((name) => lan.nodes.get(name)?.speaker !== undefined);
  const pick = <One>(some: readonly One[]): One | undefined => some[Math.floor(random() * some.length)];
  // Who has only just come owns nothing yet: it is not ready.
  const ready = () =>
    live().filter((name) => !isEnding.has(name) && lan.nowMs - (startedMs.get(name) ?? 0) > READY_AFTER_MS);
  const startedMs = new Map<string, number>();
  let silent: string | undefined;
  const beBusy = () => {
    for (const one of lan.connections) {
      if (random() >= BUSY.share) continue;
      for (let atMs = random() * BUSY.everyMs; atMs < BUSY.forMs; atMs += BUSY.everyMs)
        lan.at(atMs, () => lan.send(one));
    }
  };
  const isSomebodySilent = () => silent !== undefined && !ready().includes(silent);
  for (const vip of VIPS) lan.owners.set(vip, pick(names) ?? '');
  for (const name of names) lan.start(name);
  lan.run(4_000);
  const acts: Record<string, () => string> = {
    move: () => {
      const [vip, to] = [pick(VIPS) ?? '', pick(ready()) ?? lan.owners.get(VIPS[0]) ?? ''];
      // What Berth itself does on purpose waits for that.
      if (!lan.isSettled(vip)) return 'nothing';
      lan.move(vip, to);
      return `${vip} to ${to}`;
    },
    weight: () => {
      if (isSomebodySilent()) return 'nothing';
      const name = pick(live()) ?? '';
      const weight = pick([0, 1, 1, 3, 8]) ?? 1;
      lan.setWeight(name, weight);
      return `${name} ${weight}`;
    },
    end: () => {
      const [name, heir] = [pick(ready()), pick(ready())];
      if (name === undefined || heir === undefined || name === heir || isEnding.has(name)) return 'nothing';
      if (!VIPS.every((vip) => lan.isSettled(vip)) || live().length - isEnding.size < 2) return 'nothing';
      if (isSomebodySilent()) return 'nothing';
      isEnding.add(name);
      lan.end(name, heir);
      return `${name}, ${heir} takes over`;
    },
    start: () => {
      const name = pick(
        names.filter((one) => !live().includes(one) && lan.node(one).kernel === 'up' && !lan.node(one).frozen),
      );
      if (name === undefined) return 'nothing';
      isEnding.delete(name);
      lan.start(name);
      startedMs.set(name, lan.nowMs);
      return name;
    },
    crash: () => {
      const candidates = ready().filter((name) => !isEnding.has(name));
      const [name, heir] = [pick(candidates), pick(candidates)];
      if (crashes === 'none' || candidates.length < 3 || name === heir || !name || !heir) return 'nothing';
      lan.crash(name, heir);
      return `${name}, ${heir} takes over`;
    },
    kill: () => {
      if (kills === 'none') return 'nothing';
      lan.run(CALM_BEFORE_KILL_MS);
      const [name, heir] = [pick(names) ?? '', pick(ready()) ?? ''];
      const isCalm = VIPS.every((vip) => lan.isSettled(vip)) && ready().length === names.length && isEnding.size === 0;
      if (!isCalm || name === heir) return 'nothing';
      silent = name;
      beBusy();
      const isFrozen = random() < 0.5;
      if (isFrozen) lan.freeze(name, heir);
      else lan.kill(name, heir);
      lan.run(CALM_AFTER_KILL_MS);
      if (isFrozen)
        lan.at(random() * (FROZEN_FOR_MS - CALM_AFTER_KILL_MS), () => {
          lan.thaw(name);
          startedMs.set(name, lan.nowMs);
          beBusy();
        });
      return `${name} (${isFrozen ? 'frozen' : 'killed'}), ${heir} takes over`;
    },
    wait: () => 'some time',
  };
  const isEnding = new Set<string>();
  for (let step = 0; step < STEPS; step++) {
    const name = pick(Object.keys(acts)) ?? 'wait';
    log.push(`${lan.nowMs.toFixed(0)} ${name}: ${acts[name]?.()}`);
    for (let opened = 0; opened < OPENED_A_STEP; opened++) lan.at(random() * 1_500, () => lan.open(pick(VIPS) ?? ''));
    for (const one of lan.connections) if (random() < CHATTING) lan.at(random() * 1_500, () => lan.send(one));
    lan.run(random() < 0.3 ? random() * 300 : random() * 3_000);
    const broken = lan.connections.filter(({ state }) => state === 'broken');
    if (broken.length > 0)
      log.push(`  ${broken.length} broken, the last one of ${broken.at(-1)?.server}, sent to ${broken.at(-1)?.entry}`);
  }
  lan.run(SETTLE_MS);
  for (const one of lan.connections) lan.send(one);
  const commits = [...lan.nodes.values()].flatMap((node) => node.commits);
  return { log, connections: lan.connections, commits };
}
