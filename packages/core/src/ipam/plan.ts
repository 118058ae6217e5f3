// SPDX-License-Identifier: Apache-2.0
/**
 * Third step of a decision: which addresses a Service is to have. What it holds if nothing speaks against it, what it
 * asks for if that can be given, else new ones. Reads the table and changes nothing.
 */
import type { IpAddress, IpFamily } from '../net/ip-address.ts';
import { includesAddress } from '../service/usage.ts';
import type { DecisionScope } from './decision-scope.ts';
import type { Holdings } from './holdings.ts';
import { obstacleTo, obstacleToPair, wantedPoolOf } from './obstacle.ts';
import type { Refusal } from './refusal.ts';
import { findAddresses } from './search.ts';

export interface Plan {
  /** In the order of the Service's families. */
  readonly addresses: readonly IpAddress[];
  /** The wish that is not met; what the Service keeps instead is in {@link Plan.addresses}. */
  readonly refusal: Refusal | undefined;
  /** Why held addresses have to be given up; empty where the Service itself wants to leave them. */
  readonly lost: readonly string[];
  /**
   * Until when it keeps an address although it clashes with another holder, see {@link SharingPatience}; undefined: no
   * such.
   */
  readonly patientUntilMs?: number | undefined;
}

/** Chooses addresses for a Service whose holdings are judged. */
export function choosePlan(scope: DecisionScope, holdings: Holdings): Plan {
  return { ...planWith(scope, holdings), patientUntilMs: holdings.patientUntilMs };
}

function planWith(scope: DecisionScope, holdings: Holdings): Plan {
  const { request } = scope;
  const refusal = request.refusal ?? singleClusterIp(scope);
  if (refusal !== undefined) return { addresses: holdings.best, refusal, lost: holdings.lost };
  const plan = request.wantedAddresses.length > 0 ? planWanted(scope, holdings) : planAny(scope, holdings);
  return { ...plan, addresses: inOrder(plan.addresses, request.families) };
}

function singleClusterIp({ request }: DecisionScope): Refusal | undefined {
  if (request.familyPolicy !== 'RequireDualStack' || request.families.length > 1) return undefined;
  const message = 'RequireDualStack needs two cluster IPs, and the Service has one';
  return { reason: 'DualStackUnavailable', message };
}

/** The Service names its addresses: these or what it has. */
function planWanted(unmoved: DecisionScope, { best, lost }: Holdings): Plan {
  const wanted = unmoved.request.wantedAddresses;
  const scope = { ...unmoved, staying: wanted };
  const missing = wanted.filter((address) => !includesAddress(best, address));
  if (missing.length === 0) return { addresses: wanted, refusal: undefined, lost };
  const refusal = obstacleTo(scope, missing) ?? obstacleToPair(scope, wanted);
  return refusal === undefined ? { addresses: wanted, refusal, lost } : { addresses: best, refusal, lost };
}

/** The Service names no address, perhaps a pool. */
function planAny(unmoved: DecisionScope, { best, settled, lost }: Holdings): Plan {
  const scope = { ...unmoved, staying: settled };
  const families = scope.request.families.filter((family) => !settled.some((address) => address.family === family));
  if (families.length === 0) return { addresses: settled, refusal: undefined, lost };
  const within = wantedPoolOf(scope);
  const [anchor] = settled;
  if (anchor !== undefined) return planCompletion(scope, { best, settled, lost }, families);
  if (within !== undefined && 'reason' in within) return { addresses: best, refusal: within, lost };
  const found = findAddresses(scope, { families, within });
  return found.ok
    ? { addresses: found.addresses, refusal: undefined, lost }
    : { addresses: best, refusal: found.refusal, lost };
}

/** One family is settled, the other is missing: it can only come from the pool of the first. */
function planCompletion(
  scope: DecisionScope,
  { best, settled, lost }: Omit<Holdings, 'patientUntilMs'>,
  families: readonly IpFamily[],
): Plan {
  const { request, table } = scope;
  const [anchor] = settled;
  const within = anchor && table.catalog.poolOf(anchor);
  const found = within && findAddresses(scope, { families, within });
  if (found?.ok) return { addresses: [...settled, ...found.addresses], refusal: undefined, lost };
  const isMoving = best.length > settled.length;
  if (isMoving && found !== undefined) return { addresses: best, refusal: found.refusal, lost };
  if (request.familyPolicy !== 'RequireDualStack') return { addresses: best, refusal: undefined, lost };
  const message = `no ${families.join(' and ')} address beside ${settled.join(' and ')}, both must come from one pool`;
  return { addresses: best, refusal: { reason: 'DualStackUnavailable', message }, lost };
}

function inOrder(addresses: readonly IpAddress[], families: readonly IpFamily[]): readonly IpAddress[] {
  if (addresses.length < 2) return addresses;
  return addresses.toSorted((a, b) => families.indexOf(a.family) - families.indexOf(b.family));
}
