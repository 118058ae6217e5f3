// SPDX-License-Identifier: Apache-2.0
/**
 * Services whose status shows what Berth did not give: remains of another LoadBalancer, or one that still works. What
 * can be taken over as it is is taken over; all else stays as it is, untouched and not announced, until somebody
 * decides.
 */
import { type ServiceRequest, shownTextsIn } from '../service/service-request.ts';
import { includesAddress } from '../service/usage.ts';
import { type AdoptionScope, obstacleToAdopt, type TakingOver } from './adoption.ts';
import type { AllocationTable } from './allocation-table.ts';
import type { Decision } from './decision.ts';
import type { Draft } from './draft.ts';

/**
 * Takes over all that somebody else gave to the Service, or nothing of it; undefined where it shows nothing of that
 * kind.
 */
export function takeOverForeign(scope: AdoptionScope, draft: Draft): TakingOver | undefined {
  const { request } = scope;
  if (!showsForeign(request, scope.table)) return undefined;
  const obstacles = obstaclesToTakeOver(scope);
  const isTaken = obstacles.length === 0;
  if (isTaken) for (const address of request.shownAddresses) draft.hold(request, address);
  const rejected = request.shownAddresses.map((address) => ({ address, message: obstacles.join('; ') }));
  return { isTaken, obstacles, rejected: isTaken ? [] : rejected };
}

/** Whether the Service shows what Berth did not give, and Berth gave it nothing that it could show instead. */
function showsForeign(request: ServiceRequest, table: AllocationTable): boolean {
  const { service, shownAddresses, showsOther, given = [] } = request;
  if (given.length > 0 || (shownAddresses.length === 0 && !showsOther)) return false;
  if (showsOther) return true;
  if (isToLeaveForeign(request)) return false;
  const held = table.heldBy(service).map(({ address }) => address);
  return !shownAddresses.every((address) => includesAddress(held, address));
}

/** Whether somebody asked for other addresses in the place of those that Berth did not give. */
export function isToLeaveForeign({ shownAddresses, showsOther, given = [], leaving }: ServiceRequest): boolean {
  if (given.length > 0 || shownAddresses.length === 0 || showsOther) return false;
  return shownAddresses.every((address) => includesAddress(leaving, address));
}

/** Why what such a Service shows cannot be taken over as it is; empty when it can. */
function obstaclesToTakeOver(scope: AdoptionScope): readonly string[] {
  const { request } = scope;
  if (request.showsOther) return [`${shownTextsIn(request)} is more than plain addresses`];
  return request.shownAddresses.flatMap((address) => obstacleToAdopt(scope, address) ?? []);
}

/** What is decided about a Service whose addresses are not Berth's: nothing, and why. */
export function foreignDecision(request: ServiceRequest, obstacles: readonly string[]): Decision {
  const { service } = request;
  const message = [
    `${shownTextsIn(request)} was not given by Berth, and stays as it is, not announced: ${obstacles.join('; ')}`,
    `Put it into a pool, and Berth takes it over as it is, or run kubectl berth adopt ${service} [--renumber]`,
  ].join('. ');
  return {
    service,
    addresses: [],
    isForeign: true,
    condition: { status: 'False', reason: 'ForeignAddress', message },
    refusal: 'ForeignAddress',
    remarks: [],
    // Whoever stands in the way may go.
    isPermanent: false,
    retryAtMs: undefined,
    isRenumberDone: false,
    isChange: false,
    freed: [],
  };
}
