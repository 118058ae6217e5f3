// SPDX-License-Identifier: Apache-2.0
/** What the ledger knows about one address: who holds it, or who held it last. */
import type { IpAddress } from '../net/ip-address.ts';
import type { ServiceKey } from '../service/kube-service.ts';
import type { SharingTerms } from '../service/service-request.ts';
import type { Quarantine } from './quarantine.ts';

/** A Service that holds an address. */
export interface Holder {
  readonly service: ServiceKey;
  /** The pool that the Service asked for when it got the address, empty for none: only a new wish moves it. */
  readonly poolRequest: string;
  /** The terms on which it shares; undefined when it has no sharing key and so shares with no one. */
  readonly terms: SharingTerms | undefined;
}

/** The last holder of an address that no one holds. */
export interface FormerHolder {
  readonly service: ServiceKey;
  /** Until then no one else gets the address, in milliseconds since the epoch; 0 when it does not rest. */
  readonly restsUntilMs: number;
}

/** Immutable. Has holders, the one that came first in front, or a former holder, or is in quarantine. */
export interface AddressRecord {
  readonly address: IpAddress;
  /** The pool that had the address when the record was written; for people, since the pools themselves decide. */
  readonly pool: string;
  readonly holders: readonly Holder[];
  readonly former: FormerHolder | undefined;
  /** Set while no one gets the address; a holder is to leave it. */
  readonly quarantine: Quarantine | undefined;
}

export function holderOf(record: AddressRecord | undefined, service: ServiceKey): Holder | undefined {
  return record?.holders.find((holder) => holder.service === service);
}

/** Whether the address rests for somebody else at this time. */
export function restsFor(record: AddressRecord | undefined, service: ServiceKey, nowMs: number): boolean {
  const former = record?.former;
  return former !== undefined && former.service !== service && former.restsUntilMs > nowMs;
}

export function sameTerms(one: SharingTerms | undefined, other: SharingTerms | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.key === other.key && one.localSelector === other.localSelector && sameTexts(one.ports, other.ports);
}

function sameTexts(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index]);
}
