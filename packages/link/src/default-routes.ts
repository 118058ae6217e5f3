// SPDX-License-Identifier: Apache-2.0
/**
 * The next hops of this host's default routes, IPv4 and IPv6, kept up to date by news of the kernel (rtnetlink(7)).
 * Only news of default routes wake this process, however many routes a CNI plugin makes. Needs no capability.
 */
import type { IpAddress } from '@berth/core';
import { type Clock, Signal } from '@berth/runtime';
import { assembleFilter, FILTER_OP, KEEP_WHOLE } from './filter-program.ts';
import { AF, netlinkAddress, SOCK } from './linux.ts';
import { type NativeLink, nativeLink } from './native.ts';
import type { Gateway } from './neighbor-messages.ts';
import { readGateways } from './neighbors.ts';
import { ReceiveLoop } from './receive-loop.ts';

const NETLINK_ROUTE = 0;
/** RTMGRP_IPV4_ROUTE and RTMGRP_IPV6_ROUTE. */
const ROUTE_GROUPS = 0x40 | 0x400;
/** rtm_dst_len, from the start of struct nlmsghdr: one message of news is one datagram. */
const DESTINATION_BITS_AT = 17;
/** News are only a reason to read, so their contents may be cut. */
const SLOT_BYTES = 512;
const SLOTS = 8;
/** Several news of one moment are followed together, after this time in milliseconds. */
const GATHER_MS = 20;
/** A dump that failed is tried again after this time, in milliseconds. */
const AGAIN_MS = 1_000;

/** What tells that a default route may have changed. */
export interface RouteNews {
  close(): void;
}

export interface DefaultRoutesOptions {
  readonly clock: Clock;
  /** Default: those of this host. */
  readonly read?: () => Promise<readonly Gateway[]>;
  /** Default: a netlink socket. Calls back for each piece of news. */
  readonly listen?: (onNews: () => void) => RouteNews;
}

export class DefaultRoutes {
  readonly name = 'default routes';
  /** The kernel could not be read; what was read last stands, and it is tried again. */
  readonly failures = new Signal<[error: unknown]>();
  readonly #options: DefaultRoutesOptions;
  #gateways: readonly Gateway[] = [];
  #news: RouteNews | undefined;
  #planned: { cancel(): void } | undefined;
  #reading: 'no' | 'reading' | 'again' = 'no';
  #isRunning = false;

  constructor(options: DefaultRoutesOptions) {
    this.#options = options;
  }

  /** Begins to read and to follow. Never throws: without the kernel's news what was read at the start stands. */
  start(): void {
    const { listen = listenToRoutes } = this.#options;
    this.#isRunning = true;
    try {
      this.#news = listen(() => this.#plan(GATHER_MS));
    } catch (error) {
      this.failures.emit(error);
    }
    void this.#read();
  }

  stop(): void {
    this.#isRunning = false;
    this.#planned?.cancel();
    this.#news?.close();
    this.#news = undefined;
  }

  /** Next hops that are reached by this interface, each once. */
  on(ifindex: number): IpAddress[] {
    const ours = this.#gateways.filter((one) => one.ifindex === ifindex);
    return [...new Map(ours.map(({ ip }) => [String(ip), ip])).values()];
  }

  #plan(delayMs: number): void {
    if (!this.#isRunning) return;
    this.#planned ??= this.#options.clock.after(delayMs, () => {
      this.#planned = undefined;
      void this.#read();
    });
  }

  // What changes while it is read is read once more.
  async #read(): Promise<void> {
    if (this.#reading !== 'no') {
      this.#reading = 'again';
      return;
    }
    this.#reading = 'reading';
    const { read = readGateways } = this.#options;
    try {
      this.#gateways = await read();
    } catch (error) {
      this.failures.emit(error);
      this.#plan(AGAIN_MS);
    }
    const isStale = (this.#reading as string) === 'again';
    this.#reading = 'no';
    if (isStale) this.#plan(GATHER_MS);
  }
}

function listenToRoutes(onNews: () => void, native: NativeLink = nativeLink()): RouteNews {
  const fd = native.socketOpen(AF.NETLINK, SOCK.RAW, NETLINK_ROUTE);
  // An overflow of the buffer is news as well.
  const loop = new ReceiveLoop(native, {
    fd,
    slotBytes: SLOT_BYTES,
    slots: SLOTS,
    onDatagram: onNews,
    onError: onNews,
  });
  try {
    native.socketAttachFilter(fd, defaultRouteFilter());
    native.socketBind(fd, netlinkAddress(ROUTE_GROUPS));
    loop.start();
  } catch (error) {
    native.socketClose(fd);
    throw error;
  }
  return {
    close: () => {
      loop.stop();
      native.socketClose(fd);
    },
  };
}

/** Keeps messages about routes with a destination of 0 bits. */
export function defaultRouteFilter(): Uint8Array {
  return assembleFilter([
    [FILTER_OP.LOAD_BYTE, 0, 0, DESTINATION_BITS_AT],
    [FILTER_OP.IF_EQUAL, 0, 1, 0],
    [FILTER_OP.RETURN, 0, 0, KEEP_WHOLE],
    [FILTER_OP.RETURN, 0, 0, 0],
  ]);
}
