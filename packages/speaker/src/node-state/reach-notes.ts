// SPDX-License-Identifier: Apache-2.0
/**
 * What people read of Ready nodes that this node reaches in no way: an Event on the Node when that begins, and when
 * it ends.
 */
import { EVENT_REASONS, type SegmentState } from '@berth/core';
import type { EventNote } from '@berth/kube';

export interface ReachNote {
  /** The Node that it is about. */
  readonly node: string;
  readonly note: EventNote;
}

interface Missing {
  readonly ifname: string;
  readonly node: string;
}

export class ReachNotes {
  /** By interface and node: both names. */
  #missing: ReadonlyMap<string, Missing> = new Map();

  /** What has changed since the last call, by the word of the node with this name. */
  follow(teller: string, segments: readonly Pick<SegmentState, 'interface' | 'notReached'>[]): ReachNote[] {
    const now = new Map<string, Missing>(
      segments.flatMap(({ interface: ifname, notReached = [] }) =>
        notReached.map((node) => [`${ifname} ${node}`, { ifname, node }] as const),
      ),
    );
    const before = this.#missing;
    this.#missing = now;
    const began = [...now].filter(([key]) => !before.has(key)).map(([, one]) => noteOf('began', teller, one));
    const ended = [...before].filter(([key]) => !now.has(key)).map(([, one]) => noteOf('ended', teller, one));
    return [...began, ...ended];
  }
}

function noteOf(state: 'began' | 'ended', teller: string, { ifname, node }: Missing): ReachNote {
  if (state === 'ended')
    return {
      node,
      note: {
        type: 'Normal',
        reason: EVENT_REASONS.nodeReached,
        message: `node "${teller}" reaches it on ${ifname} again`,
      },
    };
  const message =
    `neither heartbeats nor answers to ARP or neighbor discovery of "${node}" have reached node "${teller}" on ${ifname} for a minute, ` +
    'though it is Ready: both may answer for the same VIPs. Look for switch ports that are isolated from each other (private VLAN)';
  return { node, note: { type: 'Warning', reason: EVENT_REASONS.nodeNotReached, message } };
}
