// SPDX-License-Identifier: Apache-2.0
/** Puts a plan into the words of a condition. */
import type { IpAddress } from '../net/ip-address.ts';
import type { AssignedAddress, Decision, RemarkReason } from './decision.ts';
import type { DecisionScope } from './obstacle.ts';
import { type Plan, strandedIn } from './plan.ts';
import { closedBecause } from './pool-access.ts';
import { isPermanent } from './refusal.ts';

/** What the draft did for the plan. */
export interface Outcome {
  readonly taken: readonly IpAddress[];
  readonly freed: readonly IpAddress[];
}

interface Remark {
  readonly reason: RemarkReason;
  readonly message: string;
}

export function decisionOf(scope: DecisionScope, plan: Plan, { taken, freed }: Outcome): Decision {
  const { request, table } = scope;
  const { refusal } = plan;
  const addresses = plan.addresses.map((address) => ({ address, pool: table.catalog.poolOf(address)?.pool.name }));
  const remarks = addresses.flatMap((assigned) => remarkOn(scope, assigned) ?? []);
  const isLeft = !request.leaving.some((address) => plan.addresses.some((other) => other.equals(address)));
  return {
    service: request.service,
    addresses,
    condition: {
      status: addresses.length > 0 ? 'True' : 'False',
      reason: refusal?.reason ?? remarks[0]?.reason ?? 'Assigned',
      message: messageOf(addresses, plan, remarks),
    },
    refusal: refusal?.reason,
    remarks: remarks.map(({ reason }) => reason),
    isPermanent: refusal !== undefined && isPermanent(refusal),
    retryAtMs: refusal?.retryAtMs,
    isRenumberDone: isLeft && request.refusal === undefined,
    isChange: taken.length + freed.length > 0,
    freed,
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

function messageOf(addresses: readonly AssignedAddress[], { refusal, lost }: Plan, remarks: readonly Remark[]): string {
  const sentences = [
    ...(addresses.length > 0 ? [addresses.map(placeOf).join(' and ')] : []),
    ...(refusal === undefined ? [] : [addresses.length > 0 ? `kept, since ${refusal.message}` : refusal.message]),
    ...remarks.map(({ message }) => message),
    ...lost.map((reason) => `another address is needed: ${reason}`),
  ];
  return sentences.join('. ');
}

function placeOf({ address, pool }: AssignedAddress): string {
  return pool === undefined ? `${address}` : `${address} from pool ${pool}`;
}
