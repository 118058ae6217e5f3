// SPDX-License-Identifier: Apache-2.0
/**
 * Who else has addresses, kept current from what the cluster says: Nodes, external IPs, statuses of others, ranges of
 * pods and Services.
 */
import {
  IpAddress,
  type LoadBalancerClassRule,
  type Occupant,
  Occupants,
  occupantsOfNode,
  occupantsOfService,
  occupantsOfServiceRanges,
} from '@berth/core';
import { keyOf, type Service } from '@berth/kube';
import { type Clock, Signal, type Timer } from '@berth/runtime';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { ServiceRanges } from '../cluster/service-ranges.ts';

/** Changes are collected for so long, in milliseconds. */
const COLLECT_MS = 50;
/**
 * And for so many times as long as it took to put the last ones together: tenants can list a hundred thousand external
 * IPs.
 */
const COLLECT_FACTOR = 9;

export interface OccupancyOptions {
  readonly view: Pick<ClusterView, 'services' | 'nodes'> & { readonly serviceRanges: Pick<ServiceRanges, 'store'> };
  readonly clock: Clock;
  readonly classRule: LoadBalancerClassRule;
}

export class Occupancy {
  /** {@link current} is another one. */
  readonly changes = new Signal();
  readonly #options: OccupancyOptions;
  /** By `node NAME`, `service KEY` and `ranges`; only of those that have some. */
  readonly #known = new Map<string, readonly Occupant[]>();
  #current = Occupants.NONE;
  #collectMs = COLLECT_MS;
  #collecting: Timer | undefined;
  #ends: readonly (() => void)[] = [];

  constructor(options: OccupancyOptions) {
    this.#options = options;
  }

  get current(): Occupants {
    return this.#current;
  }

  /** Reads all that is known by now, before the first decision, and follows it from then on. */
  start(): void {
    const { view } = this.#options;
    for (const node of view.nodes.values()) this.#put(`node ${node.metadata.name}`, occupantsOfNode(node));
    for (const service of view.services.values()) this.#put(`service ${keyOf(service)}`, this.#ofService(service));
    const ranges = view.serviceRanges.store;
    this.#putRanges();
    this.#ends = [
      ranges.subscribe(() => this.#putRanges()),
      view.nodes.subscribe(({ type, object }) =>
        this.#put(`node ${object.metadata.name}`, type === 'deleted' ? [] : occupantsOfNode(object)),
      ),
      view.services.subscribe(({ type, object }) =>
        this.#put(`service ${keyOf(object)}`, type === 'deleted' ? [] : this.#ofService(object)),
      ),
    ];
    this.#collecting?.cancel();
    this.#collecting = undefined;
    this.#putTogether();
  }

  /**
   * Tells of changes at once, where that costs little: what has been seen of others by now is to count for the next
   * decision. Where it costs much they go on gathering.
   */
  flush(): void {
    if (this.#collecting === undefined || this.#collectMs > COLLECT_MS) return;
    this.#collecting.cancel();
    this.#tell();
  }

  stop(): void {
    for (const end of this.#ends) end();
    this.#collecting?.cancel();
  }

  #put(key: string, occupants: readonly Occupant[]): void {
    if (textOf(occupants) === textOf(this.#known.get(key) ?? [])) return;
    if (occupants.length === 0) this.#known.delete(key);
    else this.#known.set(key, occupants);
    this.#collecting ??= this.#options.clock.after(this.#collectMs, () => this.#tell());
  }

  #tell(): void {
    this.#collecting = undefined;
    this.#putTogether();
    this.changes.emit();
  }

  #putRanges(): void {
    const { store } = this.#options.view.serviceRanges;
    const cidrs = [...store.values()].flatMap(({ spec }) => spec?.cidrs ?? []);
    this.#put('ranges', occupantsOfServiceRanges(cidrs.sort()));
  }

  #putTogether(): void {
    const { clock } = this.#options;
    const startedMs = clock.now();
    this.#current = new Occupants([...this.#known.values()].flat());
    this.#collectMs = Math.max(COLLECT_MS, COLLECT_FACTOR * (clock.now() - startedMs));
  }

  #ofService(service: Service): readonly Occupant[] {
    return occupantsOfService(service, this.#options.classRule);
  }
}

function textOf(occupants: readonly Occupant[]): string {
  return occupants.map(({ at, holder }) => `${at instanceof IpAddress ? at : at.first} ${holder}`).join('\n');
}
