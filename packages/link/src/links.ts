// SPDX-License-Identifier: Apache-2.0
/**
 * The interfaces of this host and their addresses, kept current by the kernel's events (rtnetlink(7)). Needs no capability. When events
 * were lost because they came too fast, everything is read again.
 */
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

/** An interface with its addresses. */
export interface LinkState extends Link {
  readonly addresses: readonly LinkAddress[];
}

interface Tables {
  readonly links: Map<number, Link>;
  readonly addresses: Map<string, LinkAddress>;
}

export interface LinksOptions {
  /** Called after each change, and once when everything was read the first time. */
  onChange(): void;
  /** Something went wrong that reading again may not cure. */
  onError(error: unknown): void;
}

/** Watches the interfaces of the network namespace that the process is in. */
export class Links {
  readonly name = 'links';
  readonly #native: NativeLink;
  readonly #options: LinksOptions;
  readonly #ready = Promise.withResolvers<void>();
  #tables: Tables = emptyTables();
  /** What a running dump has told so far; takes the place of the tables when it is complete. */
  #dump: { phase: 'links' | 'addresses'; tables: Tables; hasGaps: boolean } | undefined;
  #fd: number | undefined;
  #loop: ReceiveLoop | undefined;
  #isComplete = false;

  constructor(options: LinksOptions, native: NativeLink = nativeLink()) {
    this.#options = options;
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
    let hasChanged = false;
    for (const message of decodeRouteMessages(datagram.bytes)) hasChanged = this.#onMessage(message) || hasChanged;
    if (hasChanged && this.#isComplete) this.#options.onChange();
  }

  // Events that arrive during a dump go to both tables: the dump may have passed the interface already.
  #onMessage(message: RouteMessage): boolean {
    if (message.type === 'done') return this.#onDumpPart();
    if (message.type === 'error') {
      this.#dump = undefined;
      this.#options.onError(new Error(`link: read interfaces: errno ${message.errno}`));
      return false;
    }
    if (this.#dump) apply(this.#dump.tables, message);
    apply(this.#tables, message);
    return true;
  }

  #onDumpPart(): boolean {
    if (this.#dump?.hasGaps) {
      this.#readAll();
      return false;
    }
    if (this.#dump?.phase === 'links') {
      this.#dump.phase = 'addresses';
      this.#request('addresses');
      return false;
    }
    if (this.#dump) this.#tables = this.#dump.tables;
    this.#dump = undefined;
    this.#isComplete = true;
    this.#ready.resolve();
    return true;
  }

  // ENOBUFS: the kernel dropped events (netlink(7)), so what is known may be wrong. It goes on with a dump that is under way and refuses
  // another one until that has ended.
  #onSocketError(error: unknown): void {
    const isOverflow = error instanceof Error && 'code' in error && error.code === 'ENOBUFS';
    if (isOverflow && this.#dump) this.#dump.hasGaps = true;
    else if (isOverflow) this.#readAll();
    else this.#options.onError(error);
  }
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
