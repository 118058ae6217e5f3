// SPDX-License-Identifier: Apache-2.0
/** What the wishes of a Service mean for an address that it holds. */
import type { ServiceRequest, SharingTerms } from '../service/service-request.ts';
import { type AddressRecord, holderOf } from './address-record.ts';
import type { DecisionScope } from './decision-scope.ts';

/**
 * The terms on which a holder shares the address. Wishes that cannot be read change nothing, so the key stays what it
 * was; ports and traffic policy are no wishes but what clients meet, and count in any case.
 */
export function termsOn(request: ServiceRequest, record: AddressRecord): SharingTerms {
  if (request.refusal === undefined) return request.sharing;
  return { ...request.sharing, key: holderOf(record, request.service)?.terms?.key ?? '' };
}

/**
 * Whether the address comes from the pool that the Service asks for, or came from it when it was given: a pool edit
 * moves no one, only a new wish does.
 */
export function isOfWantedPool(
  { request, table }: Pick<DecisionScope, 'request' | 'table'>,
  record: AddressRecord,
): boolean {
  const { wantedPool, service } = request;
  if (wantedPool === undefined || holderOf(record, service)?.poolRequest === wantedPool) return true;
  return table.catalog.poolOf(record.address)?.pool.name === wantedPool;
}
