// SPDX-License-Identifier: Apache-2.0
/** Which Services may hold one address: the same sharing key, different ports, and traffic policies that fit. */
import { namespaceOfKey, type ServiceKey } from '../service/kube-service.ts';
import type { SharingTerms } from '../service/service-request.ts';
import { type AddressRecord, type Holder, holderOf, sameTerms } from './address-record.ts';
import { describeQuarantine } from './quarantine.ts';

/** Most Services on one address, so that the ledger's entry stays small. */
export const MAX_SHARERS = 200;

export interface Sharer {
  readonly service: ServiceKey;
  readonly terms: SharingTerms;
}

/** Why a Service may not join the holders of an address, or undefined when it may. */
export function obstacleToJoin(
  sharer: Sharer,
  record: AddressRecord,
  { acrossNamespaces }: { readonly acrossNamespaces: boolean },
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
  return undefined;
}

/**
 * Why a holder may not stay, or undefined when it may: not on an address that a stranger uses. A holder whose terms changed must fit all others; one whose terms
 * are as recorded need only fit those that came before it, so that of two that do not fit the earlier stays.
 */
export function obstacleToStay(sharer: Sharer, record: AddressRecord): string | undefined {
  if (record.quarantine !== undefined) return describeQuarantine(record.address, record.quarantine);
  const own = holderOf(record, sharer.service);
  const terms = sharer.terms.key === '' ? undefined : sharer.terms;
  const position = own === undefined ? -1 : record.holders.indexOf(own);
  const isUnchanged = own !== undefined && sameTerms(own.terms, terms);
  const others = isUnchanged ? record.holders.slice(0, position) : record.holders;
  for (const other of others) {
    const obstacle = other.service === sharer.service ? undefined : obstacleBetween(sharer, other);
    if (obstacle !== undefined) return `${record.address} is also held by ${other.service}: ${obstacle}`;
  }
  return undefined;
}

function obstacleBetween({ terms }: Sharer, { terms: other }: Holder): string | undefined {
  if (terms.key === '' || other === undefined) return 'not both have a sharing key';
  if (terms.key !== other.key) return 'the sharing keys differ';
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
