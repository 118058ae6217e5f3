// SPDX-License-Identifier: Apache-2.0
/** Which Services may hold one address: the same sharing key, different ports, and traffic policies that fit. */
import { namespaceOfKey, type ServiceKey } from '../service/kube-service.ts';
import type { SharingTerms } from '../service/service-request.ts';
import { type AddressRecord, type Holder, holderOf, sameTerms } from './address-record.ts';
import { bytesOf, holderBytes } from './ledger-entry.ts';
import { describeQuarantine } from './quarantine.ts';

/** Most Services on one address, so that the ledger's entry stays small. */
export const MAX_SHARERS = 200;

/**
 * Most bytes of the ledger for the terms of one Service: its sharing key, ports and selector. That is some 300 ports.
 */
export const MAX_TERMS_BYTES = 4 * 1024;

/** Most bytes of the ledger for the holders of one address. */
export const MAX_ENTRY_BYTES = 32 * 1024;

/**
 * The terms to be recorded: undefined for a Service that shares with no one, also because its terms are too long for
 * the ledger.
 */
export function termsToRecord(terms: SharingTerms): SharingTerms | undefined {
  return terms.key === '' || isTooLong(terms) ? undefined : terms;
}

function isTooLong(terms: SharingTerms): boolean {
  // A port takes 16 bytes at most, so most terms need no counting.
  const { key, ports, localSelector = '' } = terms;
  if (key.length + localSelector.length + ports.length * 16 < MAX_TERMS_BYTES / 3) return false;
  return bytesOf(JSON.stringify(terms)) > MAX_TERMS_BYTES;
}

export interface Sharer {
  readonly service: ServiceKey;
  readonly terms: SharingTerms;
}

export interface JoinRules {
  readonly acrossNamespaces: boolean;
  /** Room for the entry where the ledger has it, in bytes; default {@link MAX_ENTRY_BYTES}. */
  readonly maxBytes?: number;
}

/** Why a Service may not join the holders of an address, or undefined when it may. */
export function obstacleToJoin(
  sharer: Sharer,
  record: AddressRecord,
  { acrossNamespaces, maxBytes = MAX_ENTRY_BYTES }: JoinRules,
): string | undefined {
  if (record.quarantine !== undefined) return describeQuarantine(record.address, record.quarantine);
  const others = record.holders.filter(({ service }) => service !== sharer.service);
  if (others.length >= MAX_SHARERS) return `${MAX_SHARERS} Services share ${record.address} already`;
  for (const other of others) {
    const obstacle = obstacleBetween(sharer, other);
    if (obstacle !== undefined) return `${record.address} is held by ${other.service}: ${obstacle}`;
    if (!acrossNamespaces && namespaceOfKey(other.service) !== namespaceOfKey(sharer.service)) {
      return `${record.address} is held by ${other.service}: its pool is not shared across namespaces`;
    }
  }
  return others.length === 0 ? undefined : obstacleOfSize(sharer, { ...record, holders: others }, maxBytes);
}

/** Why the ledger has no room for a Service beside these holders. */
function obstacleOfSize({ service, terms }: Sharer, { address, holders }: AddressRecord, maxBytes: number) {
  const own = { service, poolRequest: '', terms: termsToRecord(terms) };
  const bytes = holders.reduce((sum, holder) => sum + holderBytes(holder), holderBytes(own) + OTHER_BYTES);
  if (bytes <= Math.min(maxBytes, MAX_ENTRY_BYTES)) return undefined;
  return `the ledger has no room for one more Service and its ports on ${address}, which ${holders.length} share`;
}

/** What an entry has besides its holders, in bytes: the name of its pool and what a quarantine says. */
const OTHER_BYTES = 1024;

/** Why a holder may not stay. */
export interface StayObstacle {
  readonly message: string;
  /** The holder that it does not fit; undefined where it is none. */
  readonly by: ServiceKey | undefined;
  /** Whether its own terms are others than those that are recorded. */
  readonly isChange: boolean;
}

export interface StayRules {
  /** Room for the entry where the ledger has it, in bytes; default {@link MAX_ENTRY_BYTES}. */
  readonly maxBytes?: number;
  /** The terms that a Service has by now, where they are known: those of the ledger may be about to change. */
  readonly termsNow?: TermsNow;
}

export type TermsNow = (service: ServiceKey) => SharingTerms | undefined;

/**
 * Why a holder may not stay, or undefined when it may: not on an address that a stranger uses. A holder whose terms
 * changed must fit all others; one whose terms are as recorded need only fit those that came before it, so that of two
 * that do not fit the earlier stays.
 */
export function obstacleToStay(
  sharer: Sharer,
  record: AddressRecord,
  { maxBytes = MAX_ENTRY_BYTES, termsNow }: StayRules = {},
): StayObstacle | undefined {
  const own = holderOf(record, sharer.service);
  const terms = termsToRecord(sharer.terms);
  const isChange = own === undefined || !sameTerms(own.terms, terms);
  const because = (message: string, by?: ServiceKey): StayObstacle => ({ message, by, isChange });
  if (record.quarantine !== undefined) return because(describeQuarantine(record.address, record.quarantine));
  const beside = record.holders.filter(({ service }) => service !== sharer.service);
  const others = isChange || own === undefined ? beside : record.holders.slice(0, record.holders.indexOf(own));
  for (const other of others) {
    const obstacle = obstacleBesideNow(sharer, other, termsNow);
    if (obstacle !== undefined)
      return because(`${record.address} is also held by ${other.service}: ${obstacle}`, other.service);
  }
  if (!isChange || beside.length === 0) return undefined;
  const size = obstacleOfSize(sharer, { ...record, holders: beside }, maxBytes);
  return size === undefined ? undefined : because(size);
}

// What is recorded of the other may be old: it is asked for only where it stands in the way.
function obstacleBesideNow(sharer: Sharer, other: Holder, termsNow: TermsNow | undefined): string | undefined {
  const obstacle = obstacleBetween(sharer, other);
  const now = obstacle === undefined ? undefined : termsNow?.(other.service);
  return now === undefined ? obstacle : obstacleBetween(sharer, { ...other, terms: termsToRecord(now) });
}

function obstacleBetween({ terms }: Sharer, { terms: other }: Holder): string | undefined {
  if (terms.key === '' || other === undefined) return 'not both have a sharing key';
  if (terms.key !== other.key) return 'the sharing keys differ';
  if (isTooLong(terms)) return `its ${terms.ports.length} ports are more than can be shared`;
  const clash = terms.ports.find((port) => other.ports.includes(port));
  if (clash !== undefined) return `both use port ${clash}`;
  return obstacleBetweenPolicies(terms.localSelector, other.localSelector);
}

// With Local the owner must have an endpoint of each sharer, which only equal pod selectors promise.
function obstacleBetweenPolicies(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined && other === undefined) return undefined;
  if (one === undefined || other === undefined) return 'the external traffic policies differ';
  if (one === '' || other === '') return 'with external traffic policy Local both need a selector';
  return one === other ? undefined : 'with external traffic policy Local the selectors must be equal';
}
