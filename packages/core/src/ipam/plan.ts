// SPDX-License-Identifier: Apache-2.0
/**
 * Which addresses a Service is to have: what it holds if nothing speaks against it, what it asks for if that can be given,
 * else new ones. Reads the table and changes nothing.
 */
import type { IpAddress, IpFamily } from '../net/ip-address.ts';
import { type AddressRecord, holderOf } from './address-record.ts';
import { type DecisionScope, obstacleTo, obstacleToPair, wantedPoolOf } from './obstacle.ts';
import { type CatalogPool, isUsable } from './pool-catalog.ts';
import type { Refusal } from './refusal.ts';
import { findAddresses } from './search.ts';
import { obstacleToStay } from './sharing.ts';

export interface Plan {
  /** In the order of the Service's families. */
  readonly addresses: readonly IpAddress[];
  /** The wish that is not met; what the Service keeps instead is in {@link Plan.addresses}. */
  readonly refusal: Refusal | undefined;
  /** Why held addresses have to be given up; empty where the Service itself wants to leave them. */
  readonly lost: readonly string[];
}

/** What a Service holds, judged. */
interface Holdings {
  /** Best held address of each family that the Service may go on holding. */
  readonly best: readonly IpAddress[];
  /** Those of them that meet the wishes of the Service. */
  readonly settled: readonly IpAddress[];
  readonly lost: readonly string[];
}

export function planFor(scope: DecisionScope): Plan {
  const { request } = scope;
  const holdings = judgeHoldings(scope);
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
  const missing = wanted.filter((address) => !includes(best, address));
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
function planCompletion(scope: DecisionScope, { best, settled, lost }: Holdings, families: readonly IpFamily[]): Plan {
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

function judgeHoldings(scope: DecisionScope): Holdings {
  const { request, table } = scope;
  const held = table.heldBy(request.service);
  if (held.length === 0) return NOTHING_HELD;
  const lost: string[] = [];
  const stayable = held.filter((record) => {
    const obstacle = mustLeave(scope, record);
    if (obstacle !== undefined) lost.push(obstacle);
    return obstacle === undefined;
  });
  const best = request.families.flatMap((family) => bestOf(scope, stayable, family) ?? []);
  const settled = best.filter((record) => isWelcome(scope, record));
  return { best: best.map(addressOf), settled: settled.map(addressOf), lost };
}

const NOTHING_HELD: Holdings = { best: [], settled: [], lost: [] };

// Where the wishes cannot be read nothing is known about the sharing terms either: then all stays.
function mustLeave({ request }: DecisionScope, record: AddressRecord): string | undefined {
  if (request.refusal !== undefined) return undefined;
  return obstacleToStay({ service: request.service, terms: request.sharing }, record);
}

function bestOf(scope: DecisionScope, records: readonly AddressRecord[], family: IpFamily): AddressRecord | undefined {
  const ofFamily = records.filter(({ address }) => address.family === family);
  if (ofFamily.length < 2) return ofFamily[0];
  return ofFamily.toSorted((a, b) => worth(scope, b) - worth(scope, a) || a.address.compare(b.address))[0];
}

/**
 * Which of two held addresses of a family stays. There are two only between the writes of a move, or after a crash there:
 * the one that the Service asks for, then one it need not leave, then the one of the pool it asks for, then what it shows.
 */
function worth(scope: DecisionScope, record: AddressRecord): number {
  const { request, table } = scope;
  const pool = table.catalog.poolOf(record.address);
  return (
    (includes(request.wantedAddresses, record.address) ? 16 : 0) +
    (includes(request.leaving, record.address) ? 0 : 8) +
    (isOfWantedPool(scope, record) ? 4 : 0) +
    (includes(request.shownAddresses, record.address) ? 2 : 0) +
    (pool !== undefined && isUsable(pool, record.address) ? 1 : 0)
  );
}

/** Whether a held address needs no change as far as the Service's own wishes go. */
function isWelcome(scope: DecisionScope, record: AddressRecord): boolean {
  return !includes(scope.request.leaving, record.address) && isOfWantedPool(scope, record);
}

/**
 * Whether the address comes from the pool that the Service asks for, or came from it when it was given: a pool edit
 * moves nobody, only a new wish does.
 */
export function isOfWantedPool(
  { request, table }: Pick<DecisionScope, 'request' | 'table'>,
  record: AddressRecord,
): boolean {
  const { wantedPool, service } = request;
  if (wantedPool === undefined || holderOf(record, service)?.poolRequest === wantedPool) return true;
  return table.catalog.poolOf(record.address)?.pool.name === wantedPool;
}

/** Why an address that is held would not be given anew, or undefined when it would. */
export function strandedIn(pool: CatalogPool | undefined, address: IpAddress): string | undefined {
  if (pool === undefined) return `${address} is in no pool any more`;
  return isUsable(pool, address) ? undefined : `pool ${pool.pool.name} does not give ${address} any more`;
}

function includes(addresses: readonly IpAddress[], address: IpAddress): boolean {
  return addresses.some((other) => other.equals(address));
}

function addressOf({ address }: AddressRecord): IpAddress {
  return address;
}

function inOrder(addresses: readonly IpAddress[], families: readonly IpFamily[]): readonly IpAddress[] {
  if (addresses.length < 2) return addresses;
  return addresses.toSorted((a, b) => families.indexOf(a.family) - families.indexOf(b.family));
}
