// SPDX-License-Identifier: Apache-2.0
/** Why a VIP has the owner that it has, in words. */
import type { OwnedReason } from '../node-state/node-state.ts';
import type { MoveCause, Moved } from '../node-state/succession.ts';
import { durationText } from './time-text.ts';

/** Why a node owns a VIP. */
export const OWNED_WORDS: Readonly<Record<OwnedReason, string>> = {
  new: 'no one had it before',
  orphaned: 'its owner was gone',
  'left-over': 'the node whose turn it was did not take it',
  'handed-over': 'its owner handed it over',
  unknown: 'for a reason that only newer versions know',
};

/** Why the owner before does not answer any more, as the end of a sentence that begins with its name. */
export const MOVE_WORDS: Readonly<Record<MoveCause, string>> = {
  silent: 'fell silent',
  left: 'ended its speaker',
  'gave-up': 'gave it up',
  lapsed: 'was too late with its heartbeats and stopped by itself',
  'cut-off': 'was cut off from the segment',
  leaving: 'handed it over, since its speaker ends',
  unfit: 'handed it over, since it is not well',
  'not-eligible': 'handed it over, since it may not own it any more',
  order: 'handed it over, as a person wanted',
  rebalance: 'handed it over for balance',
  'handed-over': 'handed it over',
  unknown: 'parted with it for a reason that only newer versions know',
};

/**
 * Who had the VIP before, why no longer, and how long no one answered: `edge-1 fell silent; no one answered for 131
 * ms`.
 */
export function movedText({ from, cause, unansweredMs }: Moved): string {
  return `${from} ${MOVE_WORDS[cause]}${gapText(unansweredMs)}`;
}

/** Behind a sentence: how long no one answered; empty where that is not known, or somebody answered all the time. */
export function gapText(unansweredMs: number | undefined): string {
  return unansweredMs === undefined || unansweredMs === 0 ? '' : `; no one answered for ${durationText(unansweredMs)}`;
}
