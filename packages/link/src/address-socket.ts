// SPDX-License-Identifier: Apache-2.0
/**
 * A packet socket for ARP or neighbor discovery on one interface, read at a bounded rate: whatever a stranger says
 * about an address passes the filter. Needs CAP_NET_RAW.
 */
import type { IpFamily } from '@berth/core';
import type { Clock } from '@berth/runtime';
import { PROTOCOL } from './address-frame.ts';
import { PacketSocket } from './packet-socket.ts';
import { ThrottledSocket } from './throttled-socket.ts';

/** Frames that are read in one window; at 5 us each they take a fortieth of a core. */
const BUDGET = { perWindow: 256, windowMs: 50 } as const;

/** The part of a packet socket that is used. */
export interface AddressSocket {
  setFilter(program: Uint8Array): void;
  receive(onFrame: (frame: { readonly bytes: Uint8Array }) => void, onError: (error: unknown) => void): void;
  /** False when the kernel has no room. Throws what the system says. */
  send(frame: Uint8Array): boolean;
  /** Gives the frames that have arrived by now. */
  drain(): void;
  close(): void;
}

/** Opens one; `filter` lets through what it does until the next is set. Throws what the system says. */
export function openAddressSocket(
  ifindex: number,
  family: IpFamily,
  { clock, filter }: { readonly clock: Clock; readonly filter: Uint8Array },
): AddressSocket {
  const socket = PacketSocket.open({ ifindex, protocol: PROTOCOL[family], filter });
  const throttled = new ThrottledSocket({ socket, clock, ...BUDGET });
  return {
    setFilter: (program) => throttled.setFilter(program),
    receive: (onFrame, onError) => throttled.receive(onFrame, onError),
    send: (frame) => socket.send(frame),
    drain: () => socket.drain(),
    close: () => throttled.close(),
  };
}
