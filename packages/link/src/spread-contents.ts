// SPDX-License-Identifier: Apache-2.0
/** What the tables of spreading hold: this node, the others, and who serves which rows of which Service. */
import type { IpAddress, MacAddress } from '@berth/core';
import type { SpreadProtocol } from './spread-layout.ts';

/**
 * Who serves what, by row: numbers of nodes, 0 for no one; 4,096 or 16,384 rows. Shared by object identity: Services
 * with the same object share memory in the kernel. Not to be changed once it was given away.
 */
export interface SpreadRows {
  /** Who serves. */
  readonly targets: Uint8Array;
  /** Who may be serving flows that the target does not know, as its kernel answers and its speaker is silent. */
  readonly fallbacks: Uint8Array;
  /** Who will serve once what is pending is committed, where that is another. */
  readonly nexts: Uint8Array;
  /** Who may then be serving flows that the next one does not know. */
  readonly nextFallbacks: Uint8Array;
}

export interface SpreadService {
  readonly ifindex: number;
  readonly vip: IpAddress;
  readonly protocol: SpreadProtocol;
  readonly port: number;
  readonly by: 'flow' | 'client';
  readonly rows: SpreadRows;
}

/** Another node as an interface sees it. */
export interface SpreadMember {
  /** 1 to 255. */
  readonly number: number;
  readonly ifindex: number;
  readonly mac: MacAddress;
}

export interface SpreadContents {
  /** This node's number. */
  readonly self: number;
  /** Of the hash; 64 bits. */
  readonly seed: bigint;
  readonly members: readonly SpreadMember[];
  readonly services: readonly SpreadService[];
}
