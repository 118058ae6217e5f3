// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a verified frame comes from whom it says, and is new. Told apart: this node's own frames (reflected, or heard
 * on a second interface in the same segment), a copy of this node, another node with its name, and frames that were
 * heard before.
 */
import type { Heartbeat, HeartbeatEnvelope } from '../wire/heartbeat.ts';
import type { FrameDropReason } from './event.ts';
import type { Member } from './member.ts';
import type { MembershipState, Stranger } from './state.ts';
import { namesUs, noteStranger, strangerProblem } from './stranger.ts';
import { change, fallSilent, report, retire, type Turn } from './turn.ts';

/** What the header of a frame says of who sent it. */
export type FrameSender = Pick<HeartbeatEnvelope, 'bootId' | 'counter' | 'port' | 'mac'>;

/** Members of one segment at most; four times what the budget is made for. */
export const MAX_MEMBERS = 800;

/** The longest "dead after" that a frame can name. */
const MAX_DEAD_AFTER_MS = 0xffff;

/** How far the counter of a member that was just heard may leap; there is no such bound for one that was away. */
export const MAX_LEAP = 2 ** 32;

/**
 * The reason to drop a frame that can be seen in its header, or undefined. For before the tag is looked at: it costs a
 * few comparisons and changes nothing.
 */
export function senderProblem(state: MembershipState, sender: FrameSender, nowMs: number): FrameDropReason | undefined {
  const { self, members, retired, strangers } = state;
  if (sender.bootId === self.bootId)
    return sender.port === self.port && sender.mac.equals(self.mac) ? 'own-frame' : undefined;
  const known = members.find((member) => member.bootId === sender.bootId);
  if (known && isElsewhere(known, sender, nowMs)) return 'other-port';
  const last = known?.counter ?? retired.get(sender.bootId) ?? liveCounter(strangers.get(sender.bootId), nowMs);
  if (sender.counter <= last) return 'replayed';
  const isFresh = known !== undefined && nowMs - known.heardMs < known.deadAfterMs;
  return isFresh && sender.counter - last > MAX_LEAP ? 'from-the-future' : undefined;
}

/**
 * The reason to drop a frame with a good tag, or undefined. May change this node's own standing: a name can have one
 * owner only.
 */
export function identityProblem(turn: Turn, heartbeat: Heartbeat): FrameDropReason | undefined {
  const { self, members, retired } = turn.state;
  if (heartbeat.bootId === self.bootId) return ownIdentity(turn, heartbeat);
  const problem = senderProblem(turn.state, heartbeat, turn.nowMs);
  if (problem) return problem;
  if (heartbeat.node === self.node) return sameName(turn, heartbeat);
  const known = members.find((member) => member.bootId === heartbeat.bootId);
  if (known && isCloned(turn, known, heartbeat)) return 'cloned-node';
  if (known === undefined && members.length >= MAX_MEMBERS) return 'too-many-members';
  const isKnown = known !== undefined || retired.has(heartbeat.bootId);
  const unproven = isKnown ? undefined : strangerProblem(turn, heartbeat);
  if (unproven) return unproven;
  noticeNamesake(turn, heartbeat, known);
  return undefined;
}

/**
 * Of two interfaces of a member in one segment the one with the lower port counts, once the other has made way for it;
 * until then the one that is known does. So a frame of another segment that somebody relays moves no member.
 */
function isElsewhere(known: Member, sender: FrameSender, nowMs: number): boolean {
  if (sender.port === known.port || nowMs - known.heardMs >= known.deadAfterMs) return false;
  return sender.port > known.port || known.phase !== 'listening';
}

function liveCounter(stranger: Stranger | undefined, nowMs: number): number {
  return stranger && nowMs - stranger.heardMs < stranger.deadAfterMs ? stranger.counter : 0;
}

function isCloned(turn: Turn, known: Member, heartbeat: Heartbeat): boolean {
  const isFresh = turn.nowMs - known.heardMs < known.deadAfterMs;
  if (!isFresh || heartbeat.port !== known.port || heartbeat.mac.equals(known.mac)) return false;
  report(turn, { kind: 'cloned-node', node: heartbeat.node });
  return true;
}

function ownIdentity(turn: Turn, heartbeat: Heartbeat): FrameDropReason {
  const { self } = turn.state;
  if (heartbeat.port !== self.port) {
    // Of two interfaces in one segment the one with the lower number serves it.
    if (heartbeat.port < self.port && block(turn, heartbeat, 'same-segment'))
      report(turn, { kind: 'same-segment', port: heartbeat.port });
    return 'own-frame';
  }
  if (heartbeat.mac.equals(self.mac)) return 'own-frame';
  // A copy of this very process runs elsewhere. Both see it, both stop: none can tell which is the right one.
  if (block(turn, heartbeat, 'cloned-node')) report(turn, { kind: 'cloned-node', node: self.node });
  return 'cloned-node';
}

// The newcomer gives way. Where both are at work, the one with the lower boot id does: it is arbitrary, and the same
// for both. A frame of an earlier boot of this node that somebody recorded cannot name this boot, and so it changes
// nothing.
function sameName(turn: Turn, heartbeat: Heartbeat): FrameDropReason {
  const { bootId } = turn.state.self;
  // Noted in any case: it must be named to see that this node is alive.
  noteStranger(turn, heartbeat);
  if (!namesUs(heartbeat, bootId)) return 'unproven';
  retire(turn, heartbeat);
  const { self, phase } = turn.state;
  if (heartbeat.phase === 'gone') return 'duplicate-name';
  const isOtherAtWork = heartbeat.phase !== 'listening';
  const isHereAtWork = phase !== 'listening';
  const isLower = self.bootId < heartbeat.bootId;
  const doYield = isOtherAtWork === isHereAtWork ? isLower : isOtherAtWork;
  if (!doYield) return 'duplicate-name';
  if (block(turn, heartbeat, 'duplicate-name')) report(turn, { kind: 'duplicate-name', node: self.node });
  return 'duplicate-name';
}

/** Keeps this node from owning anything while such frames are heard. True when that is new. */
function block(turn: Turn, heartbeat: Heartbeat, cause: 'duplicate-name' | 'cloned-node' | 'same-segment'): boolean {
  const { state, nowMs } = turn;
  const isNew = state.blockedUntilMs <= nowMs;
  if (state.phase !== 'listening' && state.phase !== 'gone') fallSilent(turn, cause);
  change(turn, { blockedUntilMs: nowMs + 2 * heartbeat.deadAfterMs });
  return isNew;
}

/**
 * Two live members with one name are reported once, when both have been heard longer than a restart takes. They are
 * told apart by their boot ids; which of them yields is for them to settle.
 */
function noticeNamesake(turn: Turn, heartbeat: Heartbeat, known: Member | undefined): void {
  // Each frame comes by here: where nobody has come for long there is nothing new to see.
  if (known === undefined || known.heardMs >= turn.state.changedMs + MAX_DEAD_AFTER_MS) return;
  for (const other of turn.state.members) {
    // One of the two reports both.
    if (other.node !== heartbeat.node || other.bootId <= heartbeat.bootId) continue;
    const isDueAtMs = Math.max(known.sinceMs, other.sinceMs) + other.deadAfterMs;
    if (known.heardMs < isDueAtMs && turn.nowMs >= isDueAtMs)
      report(turn, { kind: 'duplicate-name', node: heartbeat.node });
  }
}
