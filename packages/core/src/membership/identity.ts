// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a verified frame comes from whom it says, and is new. Told apart: this node's own frames (reflected, or heard on a second
 * interface in the same segment), a copy of this node, another node with its name, and frames that were heard before.
 */
import type { Heartbeat } from '../wire/heartbeat.ts';
import type { FrameDropReason } from './event.ts';
import type { Member } from './member.ts';
import { change, fallSilent, report, retire, type Turn } from './turn.ts';

/** Members of one segment at most; four times what the budget is made for. */
export const MAX_MEMBERS = 800;

/**
 * Counters further ahead than this are refused: at one frame a millisecond it would take 49 days of silence. Accepting one would
 * shut the genuine sender out.
 */
export const MAX_LEAP = 2 ** 32;

/** The reason to drop a frame, or undefined. May change this node's own standing: a name can have one owner only. */
export function identityProblem(turn: Turn, heartbeat: Heartbeat): FrameDropReason | undefined {
  const { self, members, retired } = turn.state;
  if (heartbeat.bootId === self.bootId) return ownIdentity(turn, heartbeat);
  const known = members.find((member) => member.bootId === heartbeat.bootId);
  const isFresh = known !== undefined && turn.nowMs - known.heardMs < known.deadAfterMs;
  if (isFresh && heartbeat.port > known.port) return 'other-port';
  const last = known?.counter ?? retired.get(heartbeat.bootId) ?? 0;
  if (heartbeat.counter <= last) return 'replayed';
  if (heartbeat.counter - last > MAX_LEAP) return 'from-the-future';
  if (isFresh && heartbeat.port === known.port && !heartbeat.mac.equals(known.mac)) {
    report(turn, { kind: 'cloned-node', node: heartbeat.node });
    return 'cloned-node';
  }
  if (heartbeat.node === self.node) return sameName(turn, heartbeat);
  if (known === undefined && members.length >= MAX_MEMBERS) return 'too-many-members';
  noticeNamesake(turn, heartbeat, known);
  return undefined;
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

// The newcomer gives way. Where both are at work, the one with the lower boot id does: it is arbitrary, and the same for both.
function sameName(turn: Turn, heartbeat: Heartbeat): FrameDropReason {
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
 * Two live members with one name are reported once, when both have been heard longer than a restart takes. They are told apart by
 * their boot ids; which of them yields is for them to settle.
 */
function noticeNamesake(turn: Turn, heartbeat: Heartbeat, known: Member | undefined): void {
  if (known === undefined) return;
  for (const other of turn.state.members) {
    // One of the two reports both.
    if (other.node !== heartbeat.node || other.bootId <= heartbeat.bootId) continue;
    const isDueAtMs = Math.max(known.sinceMs, other.sinceMs) + other.deadAfterMs;
    if (known.heardMs < isDueAtMs && turn.nowMs >= isDueAtMs)
      report(turn, { kind: 'duplicate-name', node: heartbeat.node });
  }
}
