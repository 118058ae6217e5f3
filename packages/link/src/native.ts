// SPDX-License-Identifier: Apache-2.0
/** The addon's exports, typed, and where it is found. Everything else in this package is built on these functions. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { NativeConntrack, NativePacket, NativeSpread } from './native-spread.ts';

declare const responderBrand: unique symbol;
declare const pollBrand: unique symbol;
declare const heartbeatBrand: unique symbol;

/** What answers: a thread, or a program in the kernel. */
export interface ResponderHandle {
  readonly [responderBrand]: true;
}

/** A thread that sends heartbeats. */
export interface HeartbeatHandle {
  readonly [heartbeatBrand]: true;
}

/** A descriptor that is watched. */
export interface PollHandle {
  readonly [pollBrand]: true;
}

/**
 * What native/ exports. Arguments are trusted. A failing system call throws an Error with `code` (`EPERM`), `errno` and
 * `syscall`, as those of Node's own modules.
 */
export interface NativeLink extends NativeSpread, NativeConntrack, NativePacket {
  /** socket(2), non-blocking and close-on-exec. */
  socketOpen(domain: number, type: number, protocol: number): number;
  /** bind(2) with the bytes of a socket address. */
  socketBind(fd: number, address: Uint8Array): void;
  socketSetOption(fd: number, level: number, name: number, value: Uint8Array | Int32Array): void;
  /** Fills `value`; returns how many bytes the kernel wrote. */
  socketGetOption(fd: number, level: number, name: number, value: Uint8Array | Uint32Array): number;
  /** Attaches a classic BPF program, 8 bytes an instruction in host byte order. */
  socketAttachFilter(fd: number, program: Uint8Array): void;
  /** Returns false when the kernel has no room at the moment. */
  socketSend(fd: number, datagram: Uint8Array): boolean;
  /** sendto(2) with the bytes of a socket address. Returns false when the kernel has no room at the moment. */
  socketSendTo(fd: number, datagram: Uint8Array, address: Uint8Array): boolean;
  /**
   * Receives as many datagrams as there are slots, up to 64: each fills `slotBytes` of `slab`, 32 bytes of `addresses`
   * (its sender) and one number of `lengths` (its whole length, also where the slot cut it). Returns how many came.
   */
  socketReceive(fd: number, slab: Uint8Array, slotBytes: number, addresses: Uint8Array, lengths: Uint32Array): number;
  socketClose(fd: number): void;
  /** Calls back on the event loop whenever the descriptor is readable, until {@link NativeLink.pollStop}. */
  pollStart(fd: number, callback: () => void): PollHandle;
  /** Exactly once for each handle, before the descriptor is closed. */
  pollStop(handle: PollHandle): void;
  /**
   * Starts an answering thread (0), or loads the program for the kernel, to be attached by TCX links (1) or to clsact
   * (2); with an empty table and a fence that has run out.
   */
  responderOpen(engine: 0 | 1 | 2): ResponderHandle;
  responderClose(handle: ResponderHandle): void;
  /**
   * Begins to answer on an interface, by the engine (0) or by a thread that stands in for it (1); returns its slot, 0
   * to 63.
   */
  responderAttach(handle: ResponderHandle, ifindex: number, mac: Uint8Array, by: 0 | 1): number;
  /** The same on an interface that has a slot, which stays where this throws; nothing is answered there then. */
  responderAttachAgain(handle: ResponderHandle, slot: number, by: 0 | 1): void;
  /**
   * Whether what was attached is in place (0), is gone (1), or comes behind a program that may take questions away (2).
   */
  responderLook(handle: ResponderHandle, slot: number): 0 | 1 | 2;
  responderDetach(handle: ResponderHandle, slot: number): void;
  /**
   * Puts a table in force: rows of 16 bytes of address and 8 bytes of slots. Returns when the table before gives no
   * more answers. Throws where there was no room for some rows; the others are in force then, and {@link
   * NativeLink.responderMissing} names them.
   */
  responderReplace(handle: ResponderHandle, rows: Uint8Array): void;
  /** Rows of 16 bytes of address: what the last table lacks. */
  responderMissing(handle: ResponderHandle): ArrayBuffer;
  /** Moves the fence to `milliseconds` from now if it still holds; returns whether it does. */
  responderRenew(handle: ResponderHandle, milliseconds: number): boolean;
  /** Sets the fence to `milliseconds` from now in any case; 0 silences the thread before it returns. */
  responderSetFence(handle: ResponderHandle, milliseconds: number): void;
  /**
   * Questions for VIPs that are not answered here are held back for `milliseconds` from now, where the engine can do
   * that.
   */
  responderKeepQuiet(handle: ResponderHandle, milliseconds: number): void;
  /** Sends a frame unless the fence ran out; returns whether it was sent. */
  responderAnnounce(handle: ResponderHandle, slot: number, frame: Uint8Array): boolean;
  /** Frames by outcome, in the order of {@link NativeLink.outcomeNames}. */
  responderOutcomes(handle: ResponderHandle): number[];
  /** Rows of 16 bytes of address and four 64-bit numbers: requests, replies, claims, and the MAC of the last claim. */
  responderVipCounters(handle: ResponderHandle): ArrayBuffer;
  outcomeNames(): string[];
  /** Ends the process when {@link NativeLink.watchdogCalm} is not called for so many seconds. Once in a process. */
  watchdogStart(seconds: number): void;
  watchdogCalm(): void;
  /** Starts a thread that sends heartbeats and keeps the fence of this responder, which must be closed after it. */
  heartbeatOpen(responder: ResponderHandle): HeartbeatHandle;
  heartbeatClose(handle: HeartbeatHandle): void;
  /** Milliseconds between rounds, and how long the responder may answer after one. The first call begins the rounds. */
  heartbeatPace(handle: HeartbeatHandle, intervalMs: number, answerMs: number): void;
  /** Opens a socket to send on an interface; returns its slot, 0 to 63. */
  heartbeatAttach(handle: HeartbeatHandle, ifindex: number): number;
  heartbeatDetach(handle: HeartbeatHandle, slot: number): void;
  /**
   * The frame of a slot, 94 to 1,294 bytes, and the two padded blocks of its key; counter and tag are filled in anew
   * each round.
   */
  heartbeatFrame(handle: HeartbeatHandle, slot: number, frame: Uint8Array, inner: Uint8Array, outer: Uint8Array): void;
  /** Sends each frame of a slot also to these MAC addresses, 6 bytes each, 800 at most. */
  heartbeatCopies(handle: HeartbeatHandle, slot: number, macs: Uint8Array): void;
  /**
   * Sends each frame of a slot, without its Ethernet header, also as a datagram to these socket addresses, 28 bytes
   * each, 800 at most, by duplicates of these sockets; -1: none for this family.
   */
  heartbeatDatagrams(handle: HeartbeatHandle, slot: number, fd4: number, fd6: number, addresses: Uint8Array): void;
  /** A number for a frame that is sent otherwise. */
  heartbeatNextCounter(handle: HeartbeatHandle): number;
  /** Heartbeats may be sent for this long from now; 0 ends them. */
  heartbeatRenew(handle: HeartbeatHandle, milliseconds: number): void;
  /** Leaves the fence alone from now on and forgets a lapse. */
  heartbeatHold(handle: HeartbeatHandle): void;
  /** Rounds may open and renew the fence. */
  heartbeatRelease(handle: HeartbeatHandle): void;
  /** Rounds, lapses, longest delay in milliseconds since the last call, and 1 while the thread is lapsed. */
  heartbeatReport(handle: HeartbeatHandle): [number, number, number, 0 | 1];
  /**
   * Plays steps of three numbers on the fences of a node, in milliseconds: hold (0), release (1), renew the process'
   * fence until (2), a round that began and ended then (3), whether is answered then (4). The first number of each
   * becomes what came of it: of a round 0 (not sent), 1 (sent), 2 (lapsed before it) or 3 (sent, and lapsed by it); of
   * a question 0 or 1.
   */
  playFence(answerMs: number, steps: Int32Array): void;
  /**
   * The decision on one frame alone, as a position in {@link NativeLink.outcomeNames}; fills `reply` (room for 86
   * bytes) when that is `reply` (42 bytes) or `ndp-reply` (86).
   */
  decide(rows: Uint8Array, slot: number, mac: Uint8Array, fence: 0 | 1, frame: Uint8Array, reply: Uint8Array): number;
  /**
   * Runs the program for the kernel, inside the kernel but on no interface, on frames of at least 14 bytes: each has
   * 256 bytes of `slab` and one number of `lengths`. Both become those of the reply (0: none), and `outcomes` a
   * position in {@link NativeLink.outcomeNames} (-1: passed on uncounted). The rows are those of {@link
   * NativeLink.responderReplace}, in slot 0.
   */
  runProgram(
    rows: Uint8Array,
    mac: Uint8Array,
    fence: 0 | 1,
    slab: Uint8Array,
    lengths: Uint32Array,
    outcomes: Int32Array,
  ): void;
}

/**
 * Where the addon is looked for: named by the environment, beside the program (the image), in this package (the source
 * tree).
 */
function candidates(): string[] {
  const named = process.env.BERTH_LINK_ADDON;
  if (named !== undefined) return [named];
  const besideProgram = join(dirname(process.argv[1] ?? '.'), 'link.node');
  return [besideProgram, join(import.meta.dirname ?? '.', '..', 'build', 'link.node')];
}

let loaded: NativeLink | undefined;

/** The addon, loaded once per process. Throws when there is none, saying where it was looked for. */
export function nativeLink(): NativeLink {
  loaded ??= load();
  return loaded;
}

function load(): NativeLink {
  const paths = candidates();
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined)
    throw new Error(`link: load addon: none of ${paths.map((one) => `"${one}"`).join(', ')} exists`);
  const module: { exports: unknown } = { exports: {} };
  process.dlopen(module, path);
  assertNative(module.exports, path);
  return module.exports;
}

// An addon of another version lacks functions; better found at the start than at the first takeover.
function assertNative(exports: unknown, path: string): asserts exports is NativeLink {
  const isComplete =
    typeof exports === 'object' && exports !== null && 'responderOpen' in exports && 'decide' in exports;
  if (!isComplete) throw new Error(`link: load addon: "${path}" is not the addon of this version`);
}
