// SPDX-License-Identifier: Apache-2.0
/**
 * What a node does when somebody else says that it has a VIP which this node owns (RFC 5227, 2.4, the third rule: an
 * address that is never given up). It announces once in defence and then keeps still for a while, so that two that both
 * want it cannot start a war of frames; it raises one alarm and takes it back when the stranger has been silent for
 * long enough.
 */
import type { MacAddress } from '../net/mac-address.ts';

export interface DefenceTiming {
  /**
   * Least time between two announcements in defence, and between two alarms for one VIP (RFC 5227, DEFEND_INTERVAL).
   */
  readonly intervalMs: number;
  /** Silence of strangers after which the alarm ends, in milliseconds. */
  readonly quietMs: number;
}

export const DEFENCE_TIMING: DefenceTiming = { intervalMs: 10_000, quietMs: 60_000 };

/** Of one VIP on one interface. */
export interface DefenceState {
  /** The stranger that was heard last; undefined when there is no alarm. */
  readonly stranger: MacAddress | undefined;
  readonly heardMs: number;
  readonly alarmedMs: number;
  readonly defendedMs: number;
}

export const UNDISTURBED: DefenceState = {
  stranger: undefined,
  heardMs: Number.NEGATIVE_INFINITY,
  alarmedMs: Number.NEGATIVE_INFINITY,
  defendedMs: Number.NEGATIVE_INFINITY,
};

/** A frame that says that `mac` has the VIP, or time that has passed. */
export type DefenceEvent = { readonly type: 'claim'; readonly mac: MacAddress } | { readonly type: 'time' };

export type DefenceAction =
  /** Send the announcement of the VIP once. */
  | { readonly type: 'announce' }
  | { readonly type: 'raise-alarm'; readonly mac: MacAddress }
  | { readonly type: 'end-alarm' };

export interface DefenceContext {
  readonly nowMs: number;
  readonly timing: DefenceTiming;
  /** Whether a MAC address is this node's own or another member's, as during a move of the VIP. */
  isOurs(mac: MacAddress): boolean;
}

/** One step, on any monotonic clock in milliseconds. */
export function stepDefence(
  state: DefenceState,
  event: DefenceEvent,
  context: DefenceContext,
): readonly [DefenceState, readonly DefenceAction[]] {
  if (event.type === 'time') return endWhenQuiet(state, context);
  if (context.isOurs(event.mac)) return [state, []];
  const { nowMs, timing } = context;
  const isNews = state.stranger === undefined || !state.stranger.equals(event.mac);
  const isAlarm = isNews && nowMs - state.alarmedMs >= timing.intervalMs;
  const isDefence = nowMs - state.defendedMs >= timing.intervalMs;
  const actions: DefenceAction[] = [];
  if (isDefence) actions.push({ type: 'announce' });
  if (isAlarm) actions.push({ type: 'raise-alarm', mac: event.mac });
  const next: DefenceState = {
    // A stranger is recorded only once its alarm is raised, or the alarm would never be raised.
    stranger: isAlarm || !isNews ? event.mac : state.stranger,
    heardMs: nowMs,
    alarmedMs: isAlarm ? nowMs : state.alarmedMs,
    defendedMs: isDefence ? nowMs : state.defendedMs,
  };
  return [next, actions];
}

function endWhenQuiet(
  state: DefenceState,
  { nowMs, timing }: DefenceContext,
): readonly [DefenceState, readonly DefenceAction[]] {
  if (state.stranger === undefined || nowMs - state.heardMs < timing.quietMs) return [state, []];
  return [{ ...state, stranger: undefined }, [{ type: 'end-alarm' }]];
}
