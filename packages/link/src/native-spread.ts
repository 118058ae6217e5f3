// SPDX-License-Identifier: Apache-2.0
/** The addon's functions for the program that spreads (native/spread-binding.c), typed. */

declare const spreadBrand: unique symbol;

/** A program that spreads, with its tables. */
export interface SpreadHandle {
  readonly [spreadBrand]: true;
}

/** Maps that are filled by keys, as the addon numbers them. */
export const SPREAD_MAPS = { vips: 0, services: 1, members: 2, senders: 3 } as const;
export type SpreadMapNumber = (typeof SPREAD_MAPS)[keyof typeof SPREAD_MAPS];

/**
 * As {@link NativeLink}: arguments are trusted, and a failing system call throws an Error with `code`, `errno` and
 * `syscall`.
 */
export interface NativeSpread {
  /** Loads the program, to be attached by TCX links (1) or to clsact (2); with empty tables that have run out. */
  spreadOpen(engine: 1 | 2): SpreadHandle;
  /** The same without keeping the event loop waiting. */
  spreadLoad(engine: 1 | 2): Promise<SpreadHandle>;
  spreadClose(handle: SpreadHandle): void;
  /**
   * Hooks the program to an interface, also where it is hooked already. Where this throws nothing is hooked there any
   * more.
   */
  spreadAttach(handle: SpreadHandle, ifindex: number): void;
  spreadDetach(handle: SpreadHandle, ifindex: number): void;
  /** As {@link NativeLink.responderLook}. */
  spreadLook(handle: SpreadHandle, ifindex: number): 0 | 1 | 2;
  /**
   * This node's number, the seed of the hash (one element), and for how many milliseconds flows that were seen are
   * looked for; -1 for good.
   */
  spreadTell(handle: SpreadHandle, self: number, seed: BigUint64Array, seenMs: number): void;
  /** The tables count for so long from now; 0 ends that. */
  spreadRenew(handle: SpreadHandle, milliseconds: number): void;
  /**
   * Hands the hooks to the keeper whose socket this is (a path with a zero byte at its end); false where it is too
   * long.
   */
  spreadKeepBy(handle: SpreadHandle, path: Uint8Array): boolean;
  spreadIsKept(handle: SpreadHandle): boolean;
  /** The tables are in force: the keeper lets go of what a process before this one left behind. */
  spreadTakeOver(handle: SpreadHandle): void;
  /**
   * Writes rows from a number on, each target | fallback << 8 | next << 16 | next fallback << 24. ENOSPC where there is
   * no room for so many.
   */
  spreadRows(handle: SpreadHandle, first: number, rows: Uint32Array): void;
  /**
   * Puts elements into a map, laid out as in native/spread-maps.h; returns how many went in before the first that did
   * not.
   */
  spreadPut(handle: SpreadHandle, map: SpreadMapNumber, keys: Uint8Array, values: Uint8Array): number;
  spreadTake(handle: SpreadHandle, map: SpreadMapNumber, keys: Uint8Array): void;
  /** Puts these strays in the place of all others; returns how many there was no room for. */
  spreadStrays(handle: SpreadHandle, fingerprints: BigUint64Array, numbers: Uint8Array): number;
  /** The numbers of struct spread_counts in native/spread-maps.h, then 256 of what was forwarded to whom. */
  spreadCounts(handle: SpreadHandle): number[];
  /**
   * Runs the program, inside the kernel but on no interface, on a frame of at least 14 bytes that seems to come in by
   * the loopback interface. Returns what the program returned (-1: passed on, 7: sent), the length of what is in
   * `result` then, and nanoseconds for one run of `times`.
   */
  spreadTry(
    handle: SpreadHandle,
    frame: Uint8Array,
    result: Uint8Array,
    times: number,
  ): [verdict: number, length: number, nanoseconds: number];
  /** Nanoseconds for one run of a program that does nothing, of so many. */
  spreadTryEmpty(frame: Uint8Array, times: number): number;
}

/** What {@link NativeConntrack.conntrackRead} found; see conntrack.ts. */
export interface NativeFlows {
  readonly fingerprints: BigUint64Array;
  readonly services: Uint16Array;
  readonly rows: Uint16Array;
  readonly total: number;
  readonly max: number;
}

export interface NativeConntrack {
  /** Reads on another thread; Services are rows of 24 bytes (native/conntrack.h). */
  conntrackRead(seed: BigUint64Array, services: Uint8Array): Promise<NativeFlows>;
}

export interface NativePacket {
  /**
   * What a frame is for spreading: other (0), a packet (1), a first (2) or later (3) fragment, an ICMP error (4). Fills
   * 38 bytes of `out` unless that is 0: the flow's source and destination, both ports in host order, protocol, and 1
   * where it opens a connection.
   */
  packetKind(frame: Uint8Array, out: Uint8Array): 0 | 1 | 2 | 3 | 4;
}
