// SPDX-License-Identifier: Apache-2.0
/** What the controller will do about the Services that exist when it gets a configuration; nothing is changed. */
import type { PoolConfig } from '../config/pool-config.ts';
import type { IpAddress } from '../net/ip-address.ts';
import { sameAddresses } from '../service/annotations.ts';
import type { ServiceKey } from '../service/kube-service.ts';
import type { ServiceRequest } from '../service/service-request.ts';
import { includesAddress } from '../service/usage.ts';
import { byAge } from './adoption.ts';
import { Allocator } from './allocator.ts';
import { type Decision, isStranded } from './decision.ts';
import type { Surroundings } from './decision-scope.ts';
import type { LedgerObject } from './ledger-object.ts';
import type { Departing } from './live-status.ts';
import { type Occupant, Occupants } from './occupants.ts';

export interface ConfigPreview {
  /** Keep their addresses, but would not get them anew: outside the pools, or the pool no longer matches. */
  readonly stranded: readonly ServiceOutlook[];
  /** Were stranded, and no longer are. */
  readonly recovered: readonly ServiceOutlook[];
  /** Get an address, or one more, that they do not have now. */
  readonly gaining: readonly ServiceOutlook[];
  /** Show addresses of somebody else, which are taken over as they are. */
  readonly adopted: readonly ServiceOutlook[];
  /** Show addresses of somebody else, which stay as they are, not announced. */
  readonly foreign: readonly ServiceOutlook[];
  /** Have no address and get none. */
  readonly waiting: readonly ServiceOutlook[];
  /** Number of Services for which nothing changes. */
  readonly staying: number;
}

export interface ServiceOutlook {
  readonly service: ServiceKey;
  /** What its status will show. */
  readonly addresses: readonly IpAddress[];
  readonly reason: string;
  readonly message: string;
}

export interface PreviewState {
  readonly ledger: readonly LedgerObject[];
  /** Of all Services of ours that are not being deleted. */
  readonly requests: readonly ServiceRequest[];
  /**
   * Services that the ledger may know and that are being deleted or no longer ours, with what they show. Default: none.
   */
  readonly departing?: readonly Departing[];
  readonly namespaces: Surroundings['namespaces'];
  /** Who else has addresses. Default: no one. */
  readonly occupants?: Occupants;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Whether an address was announced before. Default: none was. */
  wasAnnounced?(service: ServiceKey, address: IpAddress): boolean;
}

/** A controller comes to rest after a few rounds: a move takes two. */
const MAX_ROUNDS = 10;

/** Tells what the controller will do under the new configuration, and how that differs from the old one. */
export function previewConfig(old: PoolConfig, next: PoolConfig, state: PreviewState): ConfigPreview {
  const before = outcomeOf(old, state);
  const after = outcomeOf(next, state);
  const requests = new Map(state.requests.map((request) => [request.service, request]));
  const preview: Mutable<ConfigPreview> = {
    ...{ stranded: [], recovered: [], gaining: [], adopted: [], foreign: [], waiting: [] },
    staying: 0,
  };
  for (const [service, decision] of after) {
    const request = requests.get(service);
    const list = request ? outlookOf(request, before.get(service), decision) : 'staying';
    if (list === 'staying' || request === undefined) preview.staying++;
    else preview[list].push(describe(request, decision));
  }
  return preview;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer I)[] ? I[] : T[K] };

/** What a controller that starts with these pools has decided about each Service when it has come to rest. */
export function outcomeOf(config: PoolConfig, state: PreviewState): Map<ServiceKey, Decision> {
  const { ledger, namespaces, nowMs, departing = [], occupants = Occupants.NONE, wasAnnounced = () => false } = state;
  const allocator = new Allocator({ config, namespaces, occupants });
  allocator.reset(ledger);
  allocator.adopt({ requests: state.requests, departing, nowMs, wasAnnounced });
  allocator.endUsedQuarantines(wasAnnounced);
  const decisions = new Map<ServiceKey, Decision>();
  let requests = state.requests.toSorted(byAge);
  let leaving = departing;
  let before = '';
  for (let round = 0; round < MAX_ROUNDS; round++) {
    allocator.setSurroundings({ config, namespaces, occupants: occupantsWith(occupants, requests) });
    leaving = leaving.filter((one) => isStillShown(allocator, one, nowMs)).map((one) => ({ ...one, shown: [] }));
    requests = requests.map((request) => {
      const decision = allocator.decide(request, nowMs);
      decisions.set(request.service, decision);
      return requestAfter(request, decision);
    });
    const after = stateAfter(allocator, decisions, requests);
    if (leaving.length === 0 && after === before) break;
    before = after;
  }
  return decisions;
}

/** All that is so after a round; when the next one changes nothing of it, the controller is at rest. */
function stateAfter(
  allocator: Allocator,
  decisions: ReadonlyMap<ServiceKey, Decision>,
  requests: readonly ServiceRequest[],
): string {
  const rows = requests.map(({ service, shownAddresses }) => {
    const held = allocator.addressesOf(service);
    return `${service} holds ${held} shows ${shownAddresses}: ${decisions.get(service)?.condition.message}`;
  });
  return rows.join('\n');
}

/** What others have when the Services of ours show what they show by now. */
function occupantsWith(occupants: Occupants, requests: readonly ServiceRequest[]): Occupants {
  const foreign = new Set(
    requests.flatMap(({ service, shownAddresses, given = [] }) =>
      shownAddresses.filter((address) => !includesAddress(given, address)).map((address) => `${service} ${address}`),
    ),
  );
  const isStill = ({ isCandidate, service, at }: Occupant) => !isCandidate || foreign.has(`${service} ${at}`);
  return occupants.all.every(isStill) ? occupants : new Occupants(occupants.all.filter(isStill));
}

/** Releases what a departing Service no longer shows; true when its status has to be emptied first. */
function isStillShown(allocator: Allocator, { service, shown }: Departing, nowMs: number): boolean {
  const isShown = allocator.addressesOf(service).some((address) => includesAddress(shown, address));
  if (!isShown) allocator.release(service, nowMs);
  return isShown;
}

/** What the Service asks for once the decision is in its status; the same object where nothing is written. */
function requestAfter(request: ServiceRequest, decision: Decision): ServiceRequest {
  if (decision.isForeign) return request;
  const addresses = decision.addresses.map(({ address }) => address);
  const isSame = sameAddresses(addresses, request.shownAddresses) && sameAddresses(addresses, request.given ?? []);
  const isWished = request.adopting.length > 0 || (decision.isRenumberDone && request.leaving.length > 0);
  if (isSame && !isWished) return request;
  return {
    ...request,
    shownAddresses: addresses,
    shownTexts: addresses.map(String),
    showsOther: false,
    given: addresses,
    adopting: [],
    leaving: decision.isRenumberDone ? [] : request.leaving,
  };
}

function outlookOf(
  request: ServiceRequest,
  before: Decision | undefined,
  after: Decision,
): Exclude<keyof ConfigPreview, 'staying'> | 'staying' {
  if (after.isForeign) return 'foreign';
  if (after.addresses.length === 0) return 'waiting';
  const isTakenOver = request.given === undefined && request.shownAddresses.length > 0;
  if (isTakenOver && after.addresses.some(({ address }) => includesAddress(request.shownAddresses, address)))
    return 'adopted';
  if (after.addresses.length > (before?.addresses.length ?? 0)) return 'gaining';
  const wasStranded = before !== undefined && isStranded(before);
  if (isStranded(after)) return wasStranded ? 'staying' : 'stranded';
  return wasStranded ? 'recovered' : 'staying';
}

function describe(request: ServiceRequest, { service, addresses, isForeign, condition }: Decision): ServiceOutlook {
  const { reason, message } = condition;
  return {
    ...{ service, reason, message },
    addresses: isForeign ? request.shownAddresses : addresses.map(({ address }) => address),
  };
}
