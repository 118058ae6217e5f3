// SPDX-License-Identifier: Apache-2.0
/**
 * What people read when a node loses sight of others and nothing is taken over for it: an Event on the Node that it
 * is about. Pure.
 */
import { EVENT_REASONS, type MembershipReport } from '@berth/core';
import type { EventNote } from '@berth/kube';

/** Who says so, and of which interface. */
export interface Teller {
  readonly node: string;
  readonly ifname: string;
}

/** The name of the Node and the Event; undefined for news that need none. */
export function contactNote(
  report: MembershipReport,
  { node, ifname }: Teller,
): { readonly node: string; readonly note: EventNote } | undefined {
  if (report.kind === 'owner-answers') return { node: report.node, note: lostNote(report, { node, ifname }) };
  if (report.kind === 'cut-off') return { node, note: cutOffNote(report.state, ifname) };
  return undefined;
}

function lostNote(
  { state, node: silent }: { readonly state: 'began' | 'ended'; readonly node: string },
  { node, ifname }: Teller,
): EventNote {
  if (state === 'ended')
    return {
      type: 'Normal',
      reason: EVENT_REASONS.heartbeatsBack,
      message: `node "${node}" hears "${silent}" on ${ifname} again`,
    };
  const message =
    `node "${node}" does not hear the heartbeats of "${silent}" on ${ifname}, but "${silent}" answers for its VIPs: ` +
    'nothing is taken over. Look for a filter on EtherType 0x88b5';
  return { type: 'Warning', reason: EVENT_REASONS.heartbeatsLost, message };
}

function cutOffNote(state: 'began' | 'ended', ifname: string): EventNote {
  if (state === 'ended')
    return { type: 'Normal', reason: EVENT_REASONS.connected, message: `connected on ${ifname} again` };
  const message =
    `hears neither most of the other speakers on ${ifname} nor a gateway nor a client: it takes nothing over for now. ` +
    'Look at the cable, the switch port and the VLAN';
  return { type: 'Warning', reason: EVENT_REASONS.cutOff, message };
}
