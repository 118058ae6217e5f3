// SPDX-License-Identifier: Apache-2.0
/**
 * Looks at addresses before anybody needs them: the next ones of each pool are probed with the times of the RFCs,
 * listened to from then on, and probed again now and then. So a fresh Service is reached without waiting for a probe.
 */
import {
  advertisementsOfPool,
  type IpAddress,
  type MacAddress,
  PoolCatalog,
  type PoolConfig,
  rendezvousOrder,
  type SpareAddress,
  spareAddresses,
} from '@berth/core';
import type { ClaimReceiver, Listening } from '@berth/link';
import type { Clock, Timer } from '@berth/runtime';
import type { Segment } from '../layer2/segments.ts';
import type { AddressClearance } from './address-clearance.ts';
import type { WiredSegment } from './first-use.ts';

/** Addresses of each pool and family that are looked at ahead, and most of them on one node. */
const EACH = 8;
const AT_MOST = 32;
/** Nodes that look at one address: enough to have the one that will own it among them on most clusters. */
const NODES = 8;
/** News are acted on together after this time, in milliseconds; spare addresses can wait. */
const NEWS_MS = 500;
/** Without news everything is looked at again after this time, in milliseconds. */
const LOOK_MS = 30_000;

export interface ProbingAheadOptions {
  readonly clock: Clock;
  readonly nodeName: string;
  readonly clearance: AddressClearance;
  readonly receiver: Pick<ClaimReceiver, 'listen'>;
  config(): PoolConfig;
  /** Addresses that Services show. */
  taken(): Iterable<IpAddress>;
  joined(): readonly WiredSegment[];
}

export class ProbingAhead {
  readonly name = 'probing ahead';
  readonly #options: ProbingAheadOptions;
  /** By address and interface. */
  readonly #listening = new Map<string, { readonly spare: Spare; readonly listening: Listening }>();
  #catalog: { readonly config: PoolConfig; readonly pools: PoolCatalog } | undefined;
  #timer: { readonly timer: Timer; readonly dueMs: number } | undefined;
  #isRunning = false;

  constructor(options: ProbingAheadOptions) {
    this.#options = options;
  }

  /** The pools of this moment, made once for each configuration. */
  get pools(): PoolCatalog {
    const config = this.#options.config();
    if (this.#catalog?.config !== config) this.#catalog = { config, pools: new PoolCatalog(config) };
    return this.#catalog.pools;
  }

  start(): void {
    this.#isRunning = true;
    this.#plan(NEWS_MS);
  }

  stop(): void {
    this.#isRunning = false;
    this.#timer?.timer.cancel();
    this.#follow([]);
  }

  /** Pools, Services, segments or members have changed. */
  changed(): void {
    this.#plan(NEWS_MS);
  }

  // The earliest wish counts.
  #plan(delayMs: number): void {
    const { clock } = this.#options;
    const dueMs = clock.now() + delayMs;
    if (!this.#isRunning || (this.#timer && this.#timer.dueMs <= dueMs)) return;
    this.#timer?.timer.cancel();
    const timer = clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#look();
      const isStarting = this.#options.joined().some(({ loop }) => loop.state.phase === 'listening');
      this.#plan(isStarting ? NEWS_MS : LOOK_MS);
    });
    this.#timer = { timer, dueMs };
  }

  #look(): void {
    const { clearance, joined } = this.#options;
    const segments = joined().map(({ segment }) => segment);
    const taken = [...this.#options.taken()];
    const { pools } = this;
    const wanted = new Set(taken.map(String));
    clearance.sweep(segments, (vip) => pools.poolOf(vip) !== undefined || wanted.has(String(vip)));
    const conflicts = clearance.conflicts().map(({ vip }) => vip);
    const spares = spareAddresses(pools, { taken: [...taken, ...conflicts], each: EACH, atMost: AT_MOST });
    this.#follow(joined().flatMap((one) => spares.flatMap((spare) => this.#sparesOn(one, spare))));
  }

  // A node that has not listened yet does not know the others, and would take their probes for a stranger's.
  #sparesOn({ segment, loop }: WiredSegment, spare: SpareAddress): Spare[] {
    const { phase, members } = loop.state;
    const { address, pool } = spare;
    if (phase !== 'active' || !segment.families.includes(address.family)) return [];
    if (!this.#isAnnouncedOn(segment, pool)) return [];
    const names = [this.#options.nodeName, ...members.map(({ node }) => node)];
    const isOurTurn = names.length <= NODES || rendezvousOrder(address, names).indexOf(this.#options.nodeName) < NODES;
    return isOurTurn ? [{ address, segment }] : [];
  }

  #isAnnouncedOn({ ifname }: Segment, pool: string): boolean {
    const config = this.#options.config();
    const found = config.pools.find(({ name }) => name === pool);
    if (found === undefined) return false;
    return advertisementsOfPool(config, found).some(
      ({ interfaces }) => interfaces.length === 0 || interfaces.includes(ifname),
    );
  }

  #follow(spares: readonly Spare[]): void {
    const { clearance } = this.#options;
    const wanted = new Map(spares.map((spare) => [`${spare.address} ${spare.segment.ifindex}`, spare]));
    for (const [key, { spare, listening }] of this.#listening) {
      if (wanted.get(key)?.segment.mac.equals(spare.segment.mac)) continue;
      listening.close();
      this.#listening.delete(key);
      clearance.unheard(spare.address, spare.segment.ifindex);
    }
    for (const [key, spare] of wanted) {
      if (!this.#listening.has(key) && !this.#listen(key, spare)) continue;
      clearance.ask(spare.address, spare.segment, 'ahead');
    }
  }

  #listen(key: string, spare: Spare): boolean {
    const { receiver, clearance } = this.#options;
    const { address, segment } = spare;
    const onClaim = ({ mac }: { readonly mac: MacAddress }) => clearance.claimed(address, segment, mac);
    // A socket that failed recovers with its link; what it missed the next probe finds.
    const onError = () => clearance.unheard(address, segment.ifindex);
    try {
      const listening = receiver.listen({ address, ifindex: segment.ifindex, onClaim, onError });
      this.#listening.set(key, { spare, listening });
      return true;
    } catch {
      // The interface is going; the next look tries again.
      return false;
    }
  }
}

/** An address on a segment. */
interface Spare {
  readonly address: IpAddress;
  readonly segment: Segment;
}
