// SPDX-License-Identifier: Apache-2.0
/**
 * Whom this host knows on its segments: the kernel's ARP and NDP tables and the next hops of default routes, read when
 * somebody asks (rtnetlink(7)). Needs no capability.
 */
import { AF, netlinkAddress, SOCK } from './linux.ts';
import { type NativeLink, nativeLink } from './native.ts';
import {
  decodeNeighborMessages,
  encodeNeighborDump,
  type Gateway,
  type Neighbor,
  type NeighborMessage,
} from './neighbor-messages.ts';
import { type Datagram, ReceiveLoop } from './receive-loop.ts';

const NETLINK_ROUTE = 0;
/** The kernel never makes a longer part of a dump, in bytes (netlink(7)). */
const SLOT_BYTES = 32 * 1024;
const SLOTS = 2;

export interface NeighborTables {
  readonly neighbors: readonly Neighbor[];
  /** Next hops of default routes; their MAC addresses are among the neighbours, if the kernel has talked to them. */
  readonly gateways: readonly Gateway[];
}

/** Reads the tables of the network namespace that the process is in. Rejects with what the system says. */
export async function readNeighbors(native: NativeLink = nativeLink()): Promise<NeighborTables> {
  const neighbors: Neighbor[] = [];
  const gateways: Gateway[] = [];
  for (const what of ['neighbors', 'routes'] as const) {
    for (const message of await dump(native, what)) {
      if (message.type === 'neighbor') neighbors.push(message.neighbor);
      if (message.type === 'gateway') gateways.push(message.gateway);
    }
  }
  return { neighbors, gateways };
}

/** The next hops of default routes alone. Rejects with what the system says. */
export async function readGateways(native: NativeLink = nativeLink()): Promise<readonly Gateway[]> {
  const messages = await dump(native, 'routes');
  return messages.flatMap((message) => (message.type === 'gateway' ? [message.gateway] : []));
}

/** A dump that something changed under, or that ended in an error, is read so often before that counts. */
const DUMP_ATTEMPTS = 5;

async function dump(native: NativeLink, what: 'neighbors' | 'routes'): Promise<NeighborMessage[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await dumpOnce(native, what);
    } catch (error) {
      if (attempt === DUMP_ATTEMPTS) throw error;
    }
  }
}

// A socket for each dump: nothing of an aborted one can be taken for the next.
function dumpOnce(native: NativeLink, what: 'neighbors' | 'routes'): Promise<NeighborMessage[]> {
  const fd = native.socketOpen(AF.NETLINK, SOCK.RAW, NETLINK_ROUTE);
  const { promise, resolve, reject } = Promise.withResolvers<NeighborMessage[]>();
  const read: NeighborMessage[] = [];
  let hasGaps = false;
  const onDatagram = ({ bytes }: Datagram) => {
    for (const message of decodeNeighborMessages(bytes)) {
      if (message.type === 'interrupted') hasGaps = true;
      else if (message.type === 'done' && hasGaps) reject(new Error(`link: read ${what}: changed all the time`));
      else if (message.type === 'done') resolve(read);
      else if (message.type === 'error') reject(new Error(`link: read ${what}: errno ${message.errno}`));
      else read.push(message);
    }
  };
  const loop = new ReceiveLoop(native, { fd, slotBytes: SLOT_BYTES, slots: SLOTS, onDatagram, onError: reject });
  try {
    native.socketBind(fd, netlinkAddress(0));
    loop.start();
    native.socketSend(fd, encodeNeighborDump(what));
  } catch (error) {
    reject(error);
  }
  return promise.finally(() => {
    loop.stop();
    native.socketClose(fd);
  });
}
