// SPDX-License-Identifier: Apache-2.0
/**
 * News of queueing disciplines and filters on interfaces of this host (rtnetlink(7), group RTMGRP_TC). Needs no
 * capability.
 */
import { AF, HOST_IS_LITTLE_ENDIAN, netlinkAddress, SOCK } from './linux.ts';
import { type NativeLink, nativeLink } from './native.ts';
import { decodeNetlink, viewOf } from './netlink-message.ts';
import { ReceiveLoop } from './receive-loop.ts';

const NETLINK_ROUTE = 0;
const RTMGRP_TC = 0x8;
/** Messages are short; of a longer one the beginning is enough. */
const SLOT_BYTES = 2048;
const SLOTS = 16;
/** struct tcmsg: the family, padding, then the index of the interface. */
const TCMSG_BYTES = 20;
const IFINDEX_AT = 4;

export interface FilterWatchOptions {
  /** A queueing discipline or a filter on this interface came, went or changed. */
  onNews(ifindex: number): void;
  onError(error: unknown): void;
}

/** Begins to listen; returns the function that ends it. */
export function watchFilters(options: FilterWatchOptions, native: NativeLink = nativeLink()): () => void {
  const fd = native.socketOpen(AF.NETLINK, SOCK.RAW, NETLINK_ROUTE);
  const onDatagram = ({ bytes }: { readonly bytes: Uint8Array }) => {
    for (const ifindex of filterNews(bytes)) options.onNews(ifindex);
  };
  const loop = new ReceiveLoop(native, {
    fd,
    slotBytes: SLOT_BYTES,
    slots: SLOTS,
    onDatagram,
    onError: options.onError,
  });
  native.socketBind(fd, netlinkAddress(RTMGRP_TC));
  loop.start();
  return () => {
    loop.stop();
    native.socketClose(fd);
  };
}

/** The interfaces that a datagram is about. What was cut is left out: who looks now and then finds out all the same. */
export function filterNews(datagram: Uint8Array): number[] {
  return decodeNetlink(datagram).flatMap((message) => {
    if (message.kind !== 'data' || message.body.length < TCMSG_BYTES) return [];
    return [viewOf(message.body).getInt32(IFINDEX_AT, HOST_IS_LITTLE_ENDIAN)];
  });
}
