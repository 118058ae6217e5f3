// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a sender that this node does not know yet is alive now. A tag says who wrote a frame, not when: anybody can
 * send a recorded one again. So an unknown boot id becomes a member only once it is shown to live at the same time as
 * this process (docs/design/0013-replays.md): a frame of it names this boot id, which is random and new, or a member
 * says that it hears it. A sender that does not hear this node can do neither where there is no third; it counts once
 * it was heard for a while, each frame newer than the one before.
 */
import type { Heartbeat } from '../wire/heartbeat.ts';
import { beatOf } from './body.ts';
import type { FrameDropReason } from './event.ts';
import type { Stranger } from './state.ts';
import { act, change, type Turn } from './turn.ts';

/** Strangers that are kept at a time; each is forgotten when nothing new was heard of it for its "dead after". */
export const MAX_STRANGERS = 64;
/** Frames, each newer than the one before, of a sender that does not hear this node. */
const STEADY_FRAMES = 8;

/** Whether the frame itself says that its sender has heard this process. */
export function namesUs(heartbeat: Heartbeat, own: string): boolean {
  const { wants, view, suspects, vouches, offers } = heartbeat;
  return (
    wants?.includes(own) === true ||
    view?.entries.includes(own) === true ||
    suspects?.some(({ bootId }) => bootId === own) === true ||
    vouches?.some(({ bootId }) => bootId === own) === true ||
    offers?.some(({ to }) => to === own) === true
  );
}

/** The reason to drop a frame of a sender that is no member and was none, or undefined: it is alive. */
export function strangerProblem(turn: Turn, heartbeat: Heartbeat): FrameDropReason | undefined {
  const { self, members } = turn.state;
  const isAlive = namesUs(heartbeat, self.bootId) || members.some(({ view }) => view?.has(heartbeat.bootId));
  const problem = isAlive ? undefined : noteStranger(turn, heartbeat);
  if (problem) return problem;
  forget(turn, heartbeat.bootId);
  return undefined;
}

/**
 * Names the sender from now on, so that it can show that it is alive. Undefined: it was heard for so long that it is.
 */
export function noteStranger(turn: Turn, heartbeat: Heartbeat): FrameDropReason | undefined {
  const { state, nowMs } = turn;
  const known = [...state.strangers].filter(([, one]) => nowMs - one.heardMs < one.deadAfterMs);
  const before = known.find(([bootId]) => bootId === heartbeat.bootId)?.[1];
  if (!before && known.length >= MAX_STRANGERS) return 'too-many-members';
  if (before && heartbeat.counter <= before.counter) return 'replayed';
  const { bootId, counter, deadAfterMs } = heartbeat;
  const stranger = {
    counter,
    deadAfterMs,
    heardMs: nowMs,
    sinceMs: before?.sinceMs ?? nowMs,
    frames: (before?.frames ?? 0) + 1,
  };
  change(turn, { strangers: new Map([...known, [bootId, stranger]]) });
  if (!before) hurry(turn);
  return isSteady(stranger, state.timing.oneWayAfterMs) ? undefined : 'unproven';
}

function isSteady({ frames, sinceMs, heardMs }: Stranger, forMs: number): boolean {
  return frames >= STEADY_FRAMES && heardMs - sinceMs >= forMs;
}

function forget(turn: Turn, bootId: string): void {
  if (!turn.state.strangers.has(bootId)) return;
  const strangers = new Map(turn.state.strangers);
  strangers.delete(bootId);
  change(turn, { strangers });
}

// Both sides know each other a heartbeat earlier.
function hurry(turn: Turn): void {
  const { state, nowMs } = turn;
  if (nowMs - state.hurriedMs < state.timing.intervalMs / 2) return;
  act(turn, { type: 'send', bodies: [beatOf(turn.state, nowMs)] });
  change(turn, { hurriedMs: nowMs });
}
