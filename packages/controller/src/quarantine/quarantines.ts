// SPDX-License-Identifier: Apache-2.0
/**
 * Puts addresses that nodes found to be used by strangers into quarantine, and ends it when no node reports them any
 * more for a while. Only before first use: an address that was announced for its Service at any time has clients, and
 * stays with it.
 */
import {
  type AddressConflict,
  type Allocator,
  describeQuarantine,
  type IpAddress,
  type NodeReport,
  QUARANTINE_MS,
  type Quarantine,
  type ServiceKey,
  wasAnnounced,
} from '@berth/core';
import { type Clock, Signal, type Timer } from '@berth/runtime';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { NodeStateChange } from '../cluster/node-states.ts';

/** While anything is in quarantine it is looked at this often, in milliseconds. */
const LOOK_MS = 60_000;

/** An address that went into quarantine. */
export interface Isolated {
  readonly address: IpAddress;
  readonly quarantine: Quarantine;
  /** Who held it and gets another one. */
  readonly services: readonly ServiceKey[];
}

/** What one draft did. */
export interface QuarantineNews {
  readonly isolated: readonly Isolated[];
  readonly ended: readonly IpAddress[];
}

export interface QuarantinesOptions {
  readonly clock: Clock;
  readonly view: Pick<ClusterView, 'services' | 'nodeStates'>;
}

/** A conflict with the node that reported it. */
interface Reported extends AddressConflict {
  readonly node: string;
  /** Whether the node was heard since this replica began to watch. */
  readonly isProven: boolean;
}

const NOTHING: QuarantineNews = { isolated: [], ended: [] };

export class Quarantines {
  /** A batch may have something to do. */
  readonly due = new Signal();
  /** What a draft did, once the ledger holds it. */
  readonly news = new Signal<[QuarantineNews]>();
  readonly #options: QuarantinesOptions;
  /** What nodes report now, by address. */
  #reported: ReadonlyMap<string, readonly Reported[]> = new Map();
  /** When an address in quarantine was last reported, by the clock. */
  readonly #lastReportedMs = new Map<string, number>();
  /** Reports that do not count any more, since somebody released the address after them. */
  #forgiven: ReadonlySet<string> = new Set();
  /** Addresses that were in quarantine when the ledger was last looked at. */
  #known: ReadonlySet<string> = new Set();
  #draft: QuarantineNews = NOTHING;
  #timer: Timer | undefined;
  #end = () => {};

  constructor(options: QuarantinesOptions) {
    this.#options = options;
  }

  start(): void {
    const { view } = this.#options;
    this.#end = view.nodeStates.subscribe((change) => this.#nodeChanged(change));
    this.#read();
  }

  stop(): void {
    this.#end();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Changes the draft; returns the Services that are to be decided in the same batch. */
  apply(allocator: Allocator, nowMs: number): readonly ServiceKey[] {
    this.#noteReleases(allocator);
    const ended = this.#endings(allocator, nowMs).filter((address) => allocator.endQuarantine(address));
    const isolated = this.#isolate(allocator, nowMs);
    this.#draft = { isolated, ended };
    return isolated.flatMap(({ services }) => services);
  }

  /** The draft is durable now. */
  committed(allocator: Allocator): void {
    const news = this.#draft;
    this.#draft = NOTHING;
    this.#known = new Set(allocator.table.quarantined().map(({ address }) => String(address)));
    for (const key of this.#lastReportedMs.keys()) if (!this.#known.has(key)) this.#lastReportedMs.delete(key);
    if (news.isolated.length + news.ended.length > 0) this.news.emit(news);
    if (this.#known.size > 0) this.#plan();
  }

  #isolate(allocator: Allocator, nowMs: number): Isolated[] {
    const isolated: Isolated[] = [];
    const nodesByMac = this.#nodesByMac();
    for (const reports of this.#reported.values()) {
      const reported = reports.find((report) => report.isProven && this.#counts(report, nodesByMac));
      if (reported === undefined) continue;
      const services = (allocator.table.get(reported.vip)?.holders ?? []).map(({ service }) => service);
      if (this.#isInUse(allocator, reported.vip, nowMs)) continue;
      const seen = { mac: reported.mac, node: reported.node, interface: reported.interface, sinceMs: nowMs };
      const quarantine = reported.user === undefined ? seen : { ...seen, user: reported.user };
      if (allocator.quarantine(reported.vip, quarantine))
        isolated.push({ address: reported.vip, quarantine, services });
    }
    return isolated;
  }

  /** Whether a Service that holds the address was announced with it before. */
  #isInUse(allocator: Allocator, address: IpAddress, nowMs: number): boolean {
    return allocator.isInUse(address, (key) => {
      const service = this.#options.view.services.get(key);
      return service !== undefined && wasAnnounced(service, address, nowMs);
    });
  }

  /**
   * Whose time is over, who is in no pool any more, and who has clients all the same: a ledger that was restored may
   * know an old quarantine, and a leader before this one may have known less of the Service.
   */
  #endings(allocator: Allocator, dateMs: number): IpAddress[] {
    const { table } = allocator;
    const nowMs = this.#options.clock.now();
    const nodesByMac = this.#nodesByMac();
    const isOver = (address: IpAddress) => {
      const reported = this.#reported.get(String(address)) ?? [];
      if (reported.some((report) => this.#counts(report, nodesByMac))) return false;
      const lastMs = this.#lastReportedMs.get(String(address));
      // A leader that is new to it waits as long as if the last report had just come.
      if (lastMs === undefined) this.#lastReportedMs.set(String(address), nowMs);
      return lastMs !== undefined && nowMs - lastMs >= QUARANTINE_MS;
    };
    const all = table.quarantined().map(({ address }) => address);
    const isMisplaced = (address: IpAddress) =>
      table.catalog.poolOf(address) === undefined || this.#isInUse(allocator, address, dateMs);
    return all.filter((address) => isMisplaced(address) || isOver(address));
  }

  /**
   * Whether it is news of a stranger. Nodes that do not hear each other, for want of a common key, say, take each other
   * for strangers.
   */
  #counts(report: Reported, nodesByMac: ReadonlyMap<string, string>): boolean {
    const user = nodesByMac.get(String(report.mac));
    // Of itself a node tells what no other can find out.
    return (user === undefined || user === report.node) && !this.#forgiven.has(keyOf(report));
  }

  #nodesByMac(): Map<string, string> {
    const rows = [...this.#options.view.nodeStates.reports.values()].flatMap(({ node, state }) =>
      (state?.segments ?? []).map(({ mac }): [string, string] => [String(mac), node]),
    );
    return new Map(rows);
  }

  // Somebody took it out of the ledger: what nodes said before that does not put it back.
  #noteReleases({ table }: Allocator): void {
    const inIt = new Set(table.quarantined().map(({ address }) => String(address)));
    const released = [...this.#known].filter((key) => !inIt.has(key));
    const all = [...this.#reported.values()].flat();
    const standing = all.filter((report) => this.#forgiven.has(keyOf(report)));
    const fresh = released.flatMap((key) => this.#reported.get(key) ?? []);
    this.#forgiven = new Set([...standing, ...fresh].map(keyOf));
  }

  #nodeChanged({ before, after }: NodeStateChange): void {
    if (!isSame(conflictsOf(before), conflictsOf(after))) this.#read();
  }

  #read(): void {
    const all = [...this.#options.view.nodeStates.reports.values()].flatMap(conflictsOf);
    const next = Map.groupBy(all, ({ vip }) => String(vip));
    const nowMs = this.#options.clock.now();
    for (const key of this.#reported.keys())
      if (!next.has(key) && this.#known.has(key)) this.#lastReportedMs.set(key, nowMs);
    this.#reported = next;
    this.due.emit();
  }

  #plan(): void {
    this.#timer ??= this.#options.clock.after(LOOK_MS, () => {
      this.#timer = undefined;
      this.due.emit();
    });
  }
}

/** The address as people read it, with who was seen. */
export function describeIsolated({ address, quarantine }: Isolated): string {
  return describeQuarantine(address, quarantine);
}

function conflictsOf(report: NodeReport | undefined): Reported[] {
  if (report?.state === undefined || report.freshness === 'stale') return [];
  const { node, state, freshness } = report;
  const early = state.conflicts.filter(({ kind }) => kind === 'before-use');
  return early.map((conflict) => ({ ...conflict, node, isProven: freshness === 'fresh' }));
}

/** The same finding of the same node. */
function keyOf({ vip, node, interface: ifname, mac, sinceSeconds }: Reported): string {
  return `${vip} ${node} ${ifname} ${mac} ${sinceSeconds}`;
}

function isSame(one: readonly Reported[], other: readonly Reported[]): boolean {
  const texts = (list: readonly Reported[]) => list.map((one) => `${keyOf(one)} ${one.isProven}`).join('\n');
  return texts(one) === texts(other);
}
