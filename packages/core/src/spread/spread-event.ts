// SPDX-License-Identifier: Apache-2.0
/**
 * What goes into the state machine of who serves, and what comes out (docs/design/0040-every-node-serves.md, section
 * 6).
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { MacAddress } from '../net/mac-address.ts';
import type { SpreadSections } from '../wire/spread-message.ts';
import type { SpreadBy } from './flow-hash.ts';

/** A VIP that is answered on the segment, as this node sees it. */
export interface SpreadVip {
  readonly vip: IpAddress;
  /** owner: the owner serves all flows, and nodes that have older ones keep them. */
  readonly serve: 'owner' | 'every-node';
  readonly by: SpreadBy;
  /** With how much weight this node can take new flows; 0: it cannot. */
  readonly weight: number;
  /** Boot id of the owner, undefined while there is none. */
  readonly owner: string | undefined;
}

/** A speaker that is heard on the segment and hears this node. */
export interface SpreadFellow {
  readonly bootId: string;
  readonly node: string;
  readonly mac: MacAddress;
}

/** Flows of this node's connection tracking. */
export interface OwnFlows {
  readonly fingerprints: BigUint64Array;
  /** For each flow its VIP, as a position in `vips`. */
  readonly services: Uint16Array;
  /** For each flow the row of its client, of 16,384. */
  readonly clientRows: Uint16Array;
  readonly vips: readonly string[];
}

export type SpreadEvent =
  | { readonly type: 'tick' }
  /** All speakers that are heard and hear this node. */
  | { readonly type: 'fellows'; readonly fellows: readonly SpreadFellow[] }
  /** All of these that were heard a moment ago are late, by boot id. */
  | { readonly type: 'late'; readonly bootIds: readonly string[] }
  /** The kernel of a node that was asked for answers, by the node's id. */
  | { readonly type: 'node-answers'; readonly id: number }
  /** A speaker said goodbye: its kernel goes on. */
  | { readonly type: 'left'; readonly bootId: string }
  /** All VIPs of the segment. */
  | { readonly type: 'vips'; readonly vips: readonly SpreadVip[] }
  | { readonly type: 'heard'; readonly from: string; readonly sections: SpreadSections }
  /** What was asked for by `read`. */
  | { readonly type: 'flows'; readonly flows: OwnFlows }
  /** Connection tracking could not be read. */
  | { readonly type: 'no-flows' }
  /** This node is about to end: it takes no new flows. */
  | { readonly type: 'leave' };

export type SpreadAction =
  /** Send these, one frame each. */
  | { readonly type: 'send'; readonly bodies: readonly SpreadSections[] }
  /** Read connection tracking; comes back as `flows` or `no-flows`. */
  | { readonly type: 'read' }
  /** Ask the node with this id, at this MAC address alone, for an address of its own; comes back as `node-answers`. */
  | { readonly type: 'ask'; readonly id: number; readonly mac: MacAddress }
  /** What is in force has changed; to be followed before anything is sent. */
  | { readonly type: 'table' }
  /** A change of the set was committed. */
  | {
      readonly type: 'committed';
      readonly vip: IpAddress;
      readonly tookMs: number;
      readonly how: 'all-told' | 'time-out';
    };
