// SPDX-License-Identifier: Apache-2.0
/**
 * The fitting interfaces of this node, worked out when one of them changes and only then. A node that starts and ends
 * pods has several link events for each, all of them about interfaces that no VIP is answered on; these must cost
 * nothing, since each piece of news is followed by a look at all VIPs.
 */

import type { NamePattern } from '@berth/core';
import type { LinkState } from '@berth/link';
import { type Clock, Signal, type Timer } from '@berth/runtime';
import { isVipInterface } from './own-addresses.ts';
import { fittingSegments, isLinkLocal, type Segment } from './segments.ts';

/**
 * Events of interfaces that are left out are followed by one look a second at most, in milliseconds: one of them may
 * have got an address, and an address of this node must not be answered for as a VIP.
 */
const LEFT_OUT_MS = 1_000;

export interface FittingInterfacesOptions {
  /** All interfaces of this moment. */
  links(): readonly LinkState[];
  readonly excluded: readonly NamePattern[];
  readonly clock: Clock;
}

export class FittingInterfaces {
  /** An interface that fits came, went, or has other addresses; or this node has other addresses, wherever they are. */
  readonly news = new Signal();
  readonly #options: FittingInterfacesOptions;
  #segments: readonly Segment[] = [];
  #facts = '';
  #planned: Timer | undefined;

  constructor(options: FittingInterfacesOptions) {
    this.#options = options;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Something changed about the interfaces with these names. */
  changed(names: ReadonlySet<string>): void {
    const { excluded, clock } = this.#options;
    const mayFit = [...names].some((name) => !excluded.some((pattern) => pattern.test(name)));
    if (mayFit) this.#look();
    else this.#planned ??= clock.after(LEFT_OUT_MS, () => this.#look());
  }

  #look(): void {
    const { excluded, links } = this.#options;
    this.#planned?.cancel();
    this.#planned = undefined;
    const all = links();
    const segments = fittingSegments(all, excluded);
    const facts = [...segmentFacts(segments, all), ...ownAddresses(all)].join('\n');
    if (facts === this.#facts) return;
    this.#segments = segments;
    this.#facts = facts;
    this.news.emit();
  }
}

/** Lines that stay the same as long as nothing changes about an interface that the rest of the speaker looks at. */
function segmentFacts(segments: readonly Segment[], links: readonly LinkState[]): string[] {
  const addressesOf = new Map(links.map(({ index, addresses }) => [index, addresses]));
  return segments.map(({ ifindex, ifname, mac, families }) => {
    const addresses = (addressesOf.get(ifindex) ?? []).map(
      ({ address, prefixLength, isTentative }) => `${address}/${prefixLength}${isTentative ? '?' : ''}`,
    );
    return [ifindex, ifname, mac, families, ...addresses.sort()].join(' ');
  });
}

/** Each once: the cables of pods have link-local ones, or all the same gateway's. */
function ownAddresses(links: readonly LinkState[]): string[] {
  const addresses = links.filter(({ name }) => !isVipInterface(name)).flatMap((link) => link.addresses);
  const texts = addresses.filter(({ address }) => !isLinkLocal(address)).map(({ address }) => String(address));
  return [...new Set(texts)].sort();
}
