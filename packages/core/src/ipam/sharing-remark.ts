// SPDX-License-Identifier: Apache-2.0
/** Why a Service with a sharing key has an address for itself although others have the same key. */
import type { AddressRecord } from './address-record.ts';
import { MAX_COMPARED } from './allocation-table.ts';
import type { DecisionScope } from './decision-scope.ts';
import { joinObstacle } from './obstacle.ts';

/**
 * The rule that stands against sharing with the lowest other address of the same key; undefined where the Service
 * shares its address, has no key or none, or where nothing stands against it: it keeps what it has had for longer.
 */
export function ruleAgainstSharing(scope: DecisionScope): string | undefined {
  const { request, table } = scope;
  const { service, sharing } = request;
  const held = table.heldBy(service);
  if (sharing.key === '' || held.length === 0 || held.some(({ holders }) => holders.length > 1)) return undefined;
  if (table.isCommonKey(sharing.key)) return `more than ${MAX_COMPARED} addresses have this key`;
  const others = table.sharedBy(sharing.key).filter((record) => !held.includes(record) && isOfFamily(scope, record));
  const rules = others.map((record) => {
    const pool = table.catalog.poolOf(record.address);
    return pool === undefined ? `${record.address} is in no pool any more` : joinObstacle(scope, pool, record);
  });
  return rules.includes(undefined) ? undefined : rules[0];
}

function isOfFamily({ request }: DecisionScope, { address }: AddressRecord): boolean {
  return request.families.includes(address.family);
}
