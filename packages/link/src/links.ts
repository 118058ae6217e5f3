// SPDX-License-Identifier: Apache-2.0
/**
 * The interfaces of this host and their addresses, kept current by the kernel's events (rtnetlink(7)). Needs no
 * capability. When events were lost because they came too fast, everything is read again.
 */
import { Signal } from '@berth/runtime';
import { AF, netlinkAddress, SO, SOCK, SOL } from './linux.ts';
import { type NativeLink, nativeLink } from './native.ts';
import { type Datagram, ReceiveLoop } from './receive-loop.ts';
import {
  decodeRouteMessages,
  EVENT_GROUPS,
  encodeDump,
  type Link,
  type LinkAddress,
  type RouteMessage,
} from './rtnetlink.ts';

const NETLINK_ROUTE = 0;
/** The kernel never makes a longer part of a dump, in bytes (netlink(7)). */
const SLOT_BYTES = 32 * 1024;
const SLOTS = 4;
/** Room for a burst of events, as when a node starts a hundred pods at once. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;

/** A reading that failed is begun anew after this time, in milliseconds. */
const READ_AGAIN_MS = 200;

/** An interface with its addresses. */
export interface LinkState extends Link {
  readonly addresses: readonly LinkAddress[];
}

interface Tables {
  readonly links: Map<number, Link>;
  readonly addresses: Map<string, LinkAddress>;
}

/** Watches the interfaces of the network namespace that the process is in. */
export class Links {
  readonly name = 'links';
  /** The names of the interfaces that a change is about; of all once everything was read the first time. */
  readonly changes = new Signal<[names: ReadonlySet<string>]>();
  /** Something went wrong that reading again may not cure. */
  readonly failures = new Signal<[error: unknown]>();
  readonly #native: NativeLink;
  readonly #ready = Promise.withResolvers<void>();
  #tables: Tables = emptyTables();
  /** What a running dump has brought so far; takes the place of the tables when it is complete. */
  #dump: { phase: 'links' | 'addresses'; tables: Tables; hasGaps: boolean } | undefined;
  #fd: number | undefined;
  #loop: ReceiveLoop | undefined;
  #isComplete = false;
  /** Whether the last reading failed, and when the next one begins. */
  #isFailing = false;
  #again: NodeJS.Timeout | undefined;

  constructor(native: NativeLink = nativeLink()) {
    this.#native = native;
  }

  /** Resolves when all interfaces are known. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  start(): void {
    const native = this.#native;
    const fd = native.socketOpen(AF.NETLINK, SOCK.RAW, NETLINK_ROUTE);
    this.#fd = fd;
    native.socketSetOption(fd, SOL.SOCKET, SO.RCVBUF, Int32Array.of(RECEIVE_BUFFER_BYTES));
    native.socketBind(fd, netlinkAddress(EVENT_GROUPS));
    const onDatagram = (datagram: Datagram) => this.#onDatagram(datagram);
    const onError = (error: unknown) => this.#onSocketError(error);
    this.#loop = new ReceiveLoop(native, { fd, slotBytes: SLOT_BYTES, slots: SLOTS, onDatagram, onError });
    this.#loop.start();
    this.#readAll();
  }

  stop(): void {
    clearTimeout(this.#again);
    this.#loop?.stop();
    if (this.#fd !== undefined) this.#native.socketClose(this.#fd);
    this.#fd = undefined;
  }

  /** All interfaces, by index. */
  list(): LinkState[] {
    const addresses = Map.groupBy(this.#tables.addresses.values(), ({ ifindex }) => ifindex);
    return [...this.#tables.links.values()]
      .map((link) => ({ ...link, addresses: addresses.get(link.index) ?? [] }))
      .sort((a, b) => a.index - b.index);
  }

  /** The name of one interface, if there is one with this index. */
  nameOf(index: number): string | undefined {
    return this.#tables.links.get(index)?.name;
  }

  #readAll(): void {
    this.#dump = { phase: 'links', tables: emptyTables(), hasGaps: false };
    this.#request('links');
  }

  #request(what: 'links' | 'addresses'): void {
    if (this.#fd !== undefined) this.#native.socketSend(this.#fd, encodeDump(what, 0));
  }

  #onDatagram(datagram: Datagram): void {
    const changed = new Set<string>();
    for (const message of decodeRouteMessages(datagram.bytes))
      for (const name of this.#onMessage(message)) changed.add(name);
    if (changed.size > 0 && this.#isComplete) this.changes.emit(changed);
  }

  // Events that arrive during a dump go to both tables: the dump may have passed the interface already. Returns whom
  // they are about: an interface that has another name now under both.
  #onMessage(message: RouteMessage): readonly string[] {
    if (message.type === 'done') return this.#onDumpPart();
    if (message.type === 'interrupted') {
      if (this.#dump) this.#dump.hasGaps = true;
      return [];
    }
    if (message.type === 'error') {
      this.#onDumpFailed(message.errno);
      return [];
    }
    const index = 'link' in message ? message.link.index : message.address.ifindex;
    const before = this.nameOf(index);
    if (this.#dump) apply(this.#dump.tables, message);
    apply(this.#tables, message);
    return [before, this.nameOf(index)].filter((name) => name !== undefined);
  }

  // What is known stays, and events go on to be heard; without the first reading nothing is known at all.
  #onDumpFailed(errno: number): void {
    this.#dump = undefined;
    if (!this.#isFailing) this.failures.emit(new Error(`link: read interfaces: errno ${errno}`));
    this.#isFailing = true;
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      this.#readAll();
    }, READ_AGAIN_MS);
  }

  #onDumpPart(): readonly string[] {
    if (this.#dump?.hasGaps) {
      this.#readAll();
      return [];
    }
    if (this.#dump?.phase === 'links') {
      this.#dump.phase = 'addresses';
      this.#request('addresses');
      return [];
    }
    this.#isFailing = false;
    const before = this.#tables;
    if (this.#dump) this.#tables = this.#dump.tables;
    this.#dump = undefined;
    this.#isComplete = true;
    this.#ready.resolve();
    return [...namesIn(before), ...namesIn(this.#tables)];
  }

  // ENOBUFS: the kernel dropped events (netlink(7)), so what is known may be wrong. It goes on with a dump that is
  // under way and refuses another one until that has ended.
  #onSocketError(error: unknown): void {
    const isOverflow = error instanceof Error && 'code' in error && error.code === 'ENOBUFS';
    if (isOverflow && this.#dump) this.#dump.hasGaps = true;
    else if (isOverflow) this.#readAll();
    else this.failures.emit(error);
  }
}

function namesIn({ links }: Tables): string[] {
  return [...links.values()].map(({ name }) => name);
}

function emptyTables(): Tables {
  return { links: new Map(), addresses: new Map() };
}

function apply(tables: Tables, message: RouteMessage): void {
  if (message.type === 'link') tables.links.set(message.link.index, message.link);
  if (message.type === 'link-gone') forget(tables, message.link.index);
  if (message.type === 'address') tables.addresses.set(addressKey(message.address), message.address);
  if (message.type === 'address-gone') tables.addresses.delete(addressKey(message.address));
}

function forget(tables: Tables, index: number): void {
  tables.links.delete(index);
  for (const [key, address] of tables.addresses) if (address.ifindex === index) tables.addresses.delete(key);
}

function addressKey(address: LinkAddress): string {
  return `${address.ifindex} ${address.address}/${address.prefixLength}`;
}
