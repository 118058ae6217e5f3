// SPDX-License-Identifier: Apache-2.0
/** Puts a plan into the words of a condition. */
import type { IpAddress } from '../net/ip-address.ts';
import { holderOf } from './address-record.ts';
import type { AssignedAddress, Decision, RemarkReason } from './decision.ts';
import type { DecisionScope } from './decision-scope.ts';
import type { Outcome } from './draft.ts';
import type { Plan } from './plan.ts';
import { closedBecause } from './pool-access.ts';
import { strandedIn } from './pool-catalog.ts';
import { isPermanent } from './refusal.ts';
import { ruleAgainstSharing } from './sharing-remark.ts';

interface Remark {
  readonly reason: RemarkReason;
  readonly message: string;
}

export function decisionOf(scope: DecisionScope, plan: Plan, { taken, freed }: Outcome): Decision {
  const { request } = scope;
  const { refusal } = plan;
  const addresses = plan.addresses.map((address) => assignedOf(scope, address));
  const remarks = [...addresses.flatMap((assigned) => remarkOn(scope, assigned) ?? []), ...remarksOnWishes(scope)];
  const isLeft = !request.leaving.some((address) => plan.addresses.some((other) => other.equals(address)));
  return {
    service: request.service,
    addresses,
    condition: {
      status: addresses.length > 0 ? 'True' : 'False',
      reason: refusal?.reason ?? remarks[0]?.reason ?? 'Assigned',
      message: messageOf(addresses, plan, [...remarks.map(({ message }) => message), ...request.unread]),
    },
    refusal: refusal?.reason,
    remarks: remarks.map(({ reason }) => reason),
    isPermanent: refusal !== undefined && isPermanent(refusal),
    retryAtMs: earliest(refusal?.retryAtMs, plan.patientUntilMs),
    isRenumberDone: isLeft && request.refusal === undefined,
    isChange: taken.length + freed.length > 0,
    freed,
  };
}

function assignedOf({ request, table }: DecisionScope, address: IpAddress): AssignedAddress {
  const askedPool = holderOf(table.get(address), request.service)?.poolRequest ?? '';
  const pool = table.catalog.poolOf(address)?.pool;
  return {
    address,
    pool: pool?.name,
    ...(askedPool === '' ? {} : { askedPool }),
    ...(pool?.metallb && { isOfMetallb: true }),
  };
}

/** Why an address is kept that would not be given anew. */
function remarkOn({ request, table, namespaces }: DecisionScope, { address }: AssignedAddress): Remark | undefined {
  const pool = table.catalog.poolOf(address);
  const stranded = strandedIn(pool, address);
  if (stranded !== undefined || pool === undefined) {
    return {
      reason: 'OutsidePools',
      message: `${stranded}; it is kept, and kubectl berth renumber ${request.service} replaces it`,
    };
  }
  const closed = closedBecause(pool.pool, request, namespaces);
  return closed === undefined ? undefined : { reason: 'PoolNoLongerMatches', message: `${closed}; ${address} is kept` };
}

function earliest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

/** Which wishes were not met, although nothing is refused for them. */
function remarksOnWishes(scope: DecisionScope): Remark[] {
  const rule = ruleAgainstSharing(scope);
  const { unavailable } = scope.request;
  return [
    ...(rule === undefined ? [] : [{ reason: 'NotShared', message: `not shared by its key: ${rule}` } as const]),
    ...(unavailable === undefined ? [] : [{ reason: 'FamilyUnavailable', message: unavailable } as const]),
  ];
}

function messageOf(addresses: readonly AssignedAddress[], { refusal, lost }: Plan, remarks: readonly string[]): string {
  const clauses = [
    ...(addresses.length > 0 ? [addresses.map(placeOf).join(' and ')] : []),
    ...(refusal === undefined ? [] : [addresses.length > 0 ? `kept, since ${refusal.message}` : refusal.message]),
    ...remarks,
    ...lost.map((reason) => `another address is needed: ${reason}`),
  ];
  return clauses.join('; ');
}

function placeOf({ address, pool }: AssignedAddress): string {
  return pool === undefined ? `${address}` : `${address} from pool ${pool}`;
}
