// SPDX-License-Identifier: Apache-2.0
/**
 * Second step of a decision: which of the addresses that a Service holds it may keep, and which of them it wants to
 * keep.
 */
import type { IpAddress, IpFamily } from '../net/ip-address.ts';
import { includesAddress } from '../service/usage.ts';
import type { AddressRecord } from './address-record.ts';
import type { DecisionScope } from './decision-scope.ts';
import { isUsable } from './pool-catalog.ts';
import { obstacleToStay } from './sharing.ts';
import { isOfWantedPool, termsOn } from './wishes.ts';

/** What a Service holds, judged. */
export interface Holdings {
  /** Best held address of each family that the Service may go on holding. */
  readonly best: readonly IpAddress[];
  /** Those of them that meet the wishes of the Service. */
  readonly settled: readonly IpAddress[];
  readonly lost: readonly string[];
  readonly patientUntilMs: number | undefined;
}

/** Judges what the Service holds; notes in {@link SharingPatience} since when it clashes with another holder. */
export function judgeHoldings(scope: DecisionScope): Holdings {
  const { request, table } = scope;
  const held = table.heldBy(request.service);
  if (held.length === 0) {
    scope.patience.end(request.service);
    return NOTHING_HELD;
  }
  const stays = held.map((record) => ({ record, ...stayOf(scope, record) }));
  const lost = stays.flatMap(({ obstacle }) => obstacle ?? []);
  const stayable = stays.filter(({ obstacle }) => obstacle === undefined).map(({ record }) => record);
  const patientUntilMs = stays.find(({ untilMs }) => untilMs !== undefined)?.untilMs;
  // Until the status shows the address no more the ledger has it: patience that has run out must not begin anew.
  if (patientUntilMs === undefined && lost.length === 0) scope.patience.end(request.service);
  const best = request.families.flatMap((family) => bestOf(scope, stayable, family) ?? []);
  const settled = best.filter((record) => isWelcome(scope, record));
  return { best: best.map(addressOf), settled: settled.map(addressOf), lost, patientUntilMs };
}

const NOTHING_HELD: Holdings = { best: [], settled: [], lost: [], patientUntilMs: undefined };

interface Stay {
  /** Why the Service has to leave the address now. */
  readonly obstacle?: string;
  /** Until when it may stay in spite of a clash. */
  readonly untilMs?: number;
}

function stayOf(scope: DecisionScope, record: AddressRecord): Stay {
  const { request, table, termsNow, patience, nowMs } = scope;
  const sharer = { service: request.service, terms: termsOn(request, record) };
  const rules = { maxBytes: table.limitOf(record.address), ...(termsNow && { termsNow }) };
  const obstacle = obstacleToStay(sharer, record, rules);
  if (obstacle === undefined) return {};
  const untilMs = patience.untilMs(request.service, obstacle, nowMs);
  return untilMs === undefined ? { obstacle: obstacle.message } : { untilMs };
}

function bestOf(scope: DecisionScope, records: readonly AddressRecord[], family: IpFamily): AddressRecord | undefined {
  const ofFamily = records.filter(({ address }) => address.family === family);
  if (ofFamily.length < 2) return ofFamily[0];
  return ofFamily.toSorted((a, b) => worth(scope, b) - worth(scope, a) || a.address.compare(b.address))[0];
}

/**
 * Which of two held addresses of a family stays. There are two only between the writes of a move, or after a crash
 * there: the one that the Service asks for, then one it need not leave, then the one of the pool it asks for, then what
 * it shows.
 */
function worth(scope: DecisionScope, record: AddressRecord): number {
  const { request, table } = scope;
  const pool = table.catalog.poolOf(record.address);
  return (
    (includesAddress(request.wantedAddresses, record.address) ? 16 : 0) +
    (includesAddress(request.leaving, record.address) ? 0 : 8) +
    (isOfWantedPool(scope, record) ? 4 : 0) +
    (includesAddress(request.shownAddresses, record.address) ? 2 : 0) +
    (pool !== undefined && isUsable(pool, record.address) ? 1 : 0)
  );
}

/** Whether a held address needs no change as far as the Service's own wishes go. */
function isWelcome(scope: DecisionScope, record: AddressRecord): boolean {
  return !includesAddress(scope.request.leaving, record.address) && isOfWantedPool(scope, record);
}

function addressOf({ address }: AddressRecord): IpAddress {
  return address;
}
