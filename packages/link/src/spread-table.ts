// SPDX-License-Identifier: Apache-2.0
/**
 * The tables of the program that passes packets for VIPs on to the nodes that serve them (native/bpf/spread.bpf.c).
 * Needs CAP_BPF and CAP_NET_ADMIN, and Linux 5.8. Whatever is wrong with it costs spreading only: packets then go the
 * way that they went without it.
 */
import type { MacAddress } from '@berth/core';
import { ATTACHMENT_STATES, type AttachmentState } from './answering.ts';
import { type NativeLink, nativeLink } from './native.ts';
import type { SpreadHandle } from './native-spread.ts';
import type { SpreadContents, SpreadMember, SpreadService } from './spread-contents.ts';
import { type SpreadCounters, spreadCounters } from './spread-counters.ts';
import {
  addressKey,
  memberKey,
  memberValue,
  numberValue,
  senderKey,
  serviceKey,
  serviceValue,
} from './spread-layout.ts';
import { SpreadElements, type SpreadMapName, SpreadMirror } from './spread-mirror.ts';
import { firstRowOf, type PlacedRows, SpreadRowStore } from './spread-row-store.ts';

export interface SpreadOptions {
  /** By TCX links (Linux 6.6) or on clsact. Default: links where the kernel has them. */
  readonly engine?: 'kernel' | 'kernel-clsact';
  readonly native?: NativeLink;
}

/** How long flows that were seen while a change was pending are looked for after it, in milliseconds. */
const SEEN_MS = 15_000;
const FOR_GOOD = -1;

export class SpreadTable {
  readonly #native: NativeLink;
  readonly #handle: SpreadHandle;
  readonly #attached = new Map<number, MacAddress>();
  readonly #mirrors: Readonly<Record<SpreadMapName, SpreadMirror>>;
  readonly #rows: SpreadRowStore;
  #members: readonly SpreadMember[] = [];
  #strayCount = 0;
  #isOpen = true;
  /** Whether packets go by these tables, and not by what a process before this one may have left in the kernel. */
  #rule: 'none' | 'written' | 'in-force' = 'none';

  private constructor(native: NativeLink, handle: SpreadHandle) {
    const mirror = (name: SpreadMapName) => new SpreadMirror(native, handle, name);
    this.#native = native;
    this.#handle = handle;
    this.#rows = new SpreadRowStore(native, handle);
    this.#mirrors = {
      vips: mirror('vips'),
      services: mirror('services'),
      members: mirror('members'),
      senders: mirror('senders'),
    };
  }

  /** Loads the program with empty tables. Throws as {@link Responder.open}; `obstacleOf` sorts the error. */
  static open({ engine, native = nativeLink() }: SpreadOptions = {}): SpreadTable {
    if (engine === 'kernel-clsact') return new SpreadTable(native, native.spreadOpen(2));
    try {
      return new SpreadTable(native, native.spreadOpen(1));
    } catch (error) {
      const hasNoLinks = error instanceof Error && 'code' in error && error.code === 'EOPNOTSUPP';
      if (engine !== undefined || !hasNoLinks) throw error;
      return new SpreadTable(native, native.spreadOpen(2));
    }
  }

  /** As {@link SpreadTable.open}, on another thread. */
  static async load({ engine, native = nativeLink() }: SpreadOptions = {}): Promise<SpreadTable> {
    if (engine === 'kernel-clsact') return new SpreadTable(native, await native.spreadLoad(2));
    try {
      return new SpreadTable(native, await native.spreadLoad(1));
    } catch (error) {
      const hasNoLinks = error instanceof Error && 'code' in error && error.code === 'EOPNOTSUPP';
      if (engine !== undefined || !hasNoLinks) throw error;
      return new SpreadTable(native, await native.spreadLoad(2));
    }
  }

  get attached(): readonly number[] {
    return [...this.#attached.keys()];
  }

  /**
   * Begins to spread what comes in by an interface with this MAC, before other programs there. Throws when it cannot be
   * hooked.
   */
  attach(ifindex: number, mac: MacAddress): void {
    if (this.#attached.get(ifindex)?.equals(mac) === true) return;
    this.#attached.delete(ifindex);
    this.#native.spreadAttach(this.#handle, ifindex);
    this.#attached.set(ifindex, mac);
    // Frames to members have this MAC for their source.
    this.#putMembers();
  }

  /**
   * Hooks the program anew, before all others, on an interface that is attached. When it throws, nothing is attached
   * there any more.
   */
  attachAgain(ifindex: number): void {
    const mac = this.#attached.get(ifindex);
    if (mac === undefined) throw new Error(`link: spread again: interface ${ifindex} was not attached`);
    this.#attached.delete(ifindex);
    this.attach(ifindex, mac);
  }

  detach(ifindex: number): void {
    this.#attached.delete(ifindex);
    this.#native.spreadDetach(this.#handle, ifindex);
  }

  /** Looks what became of what was attached; `gone` where nothing is. */
  look(ifindex: number): AttachmentState {
    return ATTACHMENT_STATES[this.#native.spreadLook(this.#handle, ifindex)];
  }

  /**
   * Puts these in the place of all members, rows and Services that were there. A packet sees each Service with the rows
   * before or with those after. Throws `ENOSPC`, naming what there was no room for; then some Services are as before,
   * and the caller gives fewer.
   */
  replace(contents: SpreadContents): void {
    const { vips, services, members, senders } = this.#mirrors;
    this.#members = contents.members;
    const wanted = this.#putMembers();
    const blocks = this.#rows.place(contents.services.map(({ rows }) => rows));
    const elements = new SpreadElements();
    const addresses = new SpreadElements();
    for (const service of contents.services) {
      elements.put(serviceKey(service), valueOfService(service, blocks));
      addresses.put(addressKey(service.vip), numberValue(1));
    }
    this.#tell(contents, blocks);
    services.put(elements);
    services.keepOnly(elements);
    vips.put(addresses);
    vips.keepOnly(addresses);
    senders.keepOnly(wanted.senders);
    members.keepOnly(wanted.members);
    this.#rows.keepOnly(blocks);
    if (this.#rule === 'none' && contents.services.length > 0) this.#rule = 'written';
  }

  /**
   * Puts these strays in the place of all others: fingerprints of flows (flow-hash.ts of core) and the numbers of their
   * nodes, of the same length. What the program forgot by itself, as a flow began anew, stays forgotten as long as each
   * list has it. Returns how many there was no room for.
   */
  setStrays(fingerprints: BigUint64Array, numbers: Uint8Array): number {
    const missing = this.#native.spreadStrays(this.#handle, fingerprints, numbers);
    this.#strayCount = fingerprints.length - missing;
    return missing;
  }

  /** The tables count for so long from now; where that has run out packets are left alone. */
  renew(milliseconds: number): void {
    this.#native.spreadRenew(this.#handle, milliseconds);
    if (this.#rule !== 'written' || milliseconds === 0) return;
    this.#rule = 'in-force';
    this.#native.spreadTakeOver(this.#handle);
  }

  /**
   * Names the socket of the keeper (native/keeper): a process that holds the hooks for two seconds after this process
   * is gone, so that packets for other nodes are passed on until those have noticed. Where the process comes back in
   * that time, its program goes before the one that is held, which ends once the tables of the new one are in force. It
   * may come and go; it is looked for at each renewal. Throws for a path of more than 107 bytes.
   */
  keepBy(path: string): void {
    const isTaken = this.#native.spreadKeepBy(this.#handle, Buffer.from(`${path}\0`));
    if (!isTaken) throw new Error(`link: spread: keeper: "${path}" is longer than 107 bytes`);
  }

  /**
   * Whether the keeper is there now. Without links (clsact) there is nothing to keep: filters outlive their process by
   * themselves.
   */
  get isKept(): boolean {
    return this.#native.spreadIsKept(this.#handle);
  }

  counters(): SpreadCounters {
    return spreadCounters(this.#native.spreadCounts(this.#handle), this.#strayCount);
  }

  /** For tests and benches: {@link NativeSpread.spreadTry}. */
  get handle(): SpreadHandle {
    return this.#handle;
  }

  /**
   * Takes the program off all interfaces; where a keeper holds it, that does so after its time. Nothing stays behind.
   */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#attached.clear();
    this.#native.spreadClose(this.#handle);
  }

  // Where nothing is attached no frame leaves, so no member is needed there.
  #putMembers(): { members: SpreadElements; senders: SpreadElements } {
    const members = new SpreadElements();
    const senders = new SpreadElements();
    for (const { ifindex, number, mac } of this.#members) {
      const ownMac = this.#attached.get(ifindex);
      if (ownMac === undefined) continue;
      members.put(memberKey(ifindex, number), memberValue(mac, ownMac));
      senders.put(senderKey(ifindex, mac), numberValue(number));
    }
    this.#mirrors.members.put(members);
    this.#mirrors.senders.put(senders);
    return { members, senders };
  }

  #tell({ self, seed }: SpreadContents, blocks: PlacedRows): void {
    const isPending = [...blocks.values()].some((block) => block.hasNexts);
    this.#native.spreadTell(this.#handle, self, BigUint64Array.of(seed), isPending ? FOR_GOOD : SEEN_MS);
  }
}

function valueOfService({ rows, by }: SpreadService, blocks: PlacedRows): Uint8Array {
  const block = blocks.get(rows);
  if (!block) throw new Error('link: spread: rows without a block');
  return serviceValue(firstRowOf(block), rows.targets.length, by);
}
