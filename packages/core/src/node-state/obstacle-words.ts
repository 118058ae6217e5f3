// SPDX-License-Identifier: Apache-2.0
/** Why a node does not answer for a VIP, in words: the same in conditions, in the command and on the dashboard. */
import { EXCLUDE_LABEL, type IneligibleReason } from '../placement/eligibility.ts';
import type { NotAnnouncedReason } from './node-state.ts';

const EXCLUDED: IneligibleReason = 'excluded-by-label';
/** kubeadm and Talos put the label on control-plane nodes, so whoever has no others must read what to do. */
const EXCLUDED_WORDS = `excluded by the label ${EXCLUDE_LABEL} (remove it, or start the speakers with --exclude-label=ignore)`;

const WORDS: Readonly<Record<Exclude<NotAnnouncedReason, 'not-eligible'>, string>> = {
  probing: 'asks whether somebody uses it',
  conflict: 'found that somebody else uses it',
  'own-address': 'it is an address of a node or of a gateway',
  'no-interface': 'no interface that the policy names',
  'no-segment': 'no usable interface for its family',
  'same-segment': 'the interface that the policy names is in the LAN of another one, which serves it',
  'not-attached': 'nothing can answer on its interfaces',
  'no-room': 'no room in the table of VIPs',
  'not-selected': 'selected by no policy',
  'no-endpoint': 'no usable endpoint of the Service',
};

/** Reads on from the name of the node and a colon. `ineligible`: why the node may own nothing; empty when it may. */
export function obstacleWords(why: NotAnnouncedReason, ineligible = ''): string {
  if (why !== 'not-eligible') return WORDS[why];
  return ineligible === EXCLUDED ? EXCLUDED_WORDS : ineligible || 'may own nothing';
}
