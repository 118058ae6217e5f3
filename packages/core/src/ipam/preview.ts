// SPDX-License-Identifier: Apache-2.0
/** What a change of the configuration would mean for the Services that exist; nothing is changed. */
import type { PoolConfig } from '../config/pool-config.ts';
import type { IpAddress } from '../net/ip-address.ts';
import type { ServiceKey } from '../service/kube-service.ts';
import type { ServiceRequest } from '../service/service-request.ts';
import { byAge } from './adoption.ts';
import { Allocator, type Surroundings } from './allocator.ts';
import type { Decision } from './decision.ts';
import type { LedgerObject } from './ledger-object.ts';

export interface ConfigPreview {
  /** Keep their addresses, but would not get them anew: outside the pools, or the pool no longer matches. */
  readonly stranded: readonly ServiceOutlook[];
  /** Were stranded, and no longer are. */
  readonly recovered: readonly ServiceOutlook[];
  /** Get an address, or one more, that they do not have now. */
  readonly gaining: readonly ServiceOutlook[];
  /** Have no address and get none. */
  readonly waiting: readonly ServiceOutlook[];
  /** Number of Services for which nothing changes. */
  readonly staying: number;
}

export interface ServiceOutlook {
  readonly service: ServiceKey;
  readonly addresses: readonly IpAddress[];
  readonly reason: string;
  readonly message: string;
}

export interface PreviewState {
  readonly ledger: readonly LedgerObject[];
  readonly requests: readonly ServiceRequest[];
  readonly namespaces: Surroundings['namespaces'];
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** Compares what the old and the new configuration decide about every Service. */
export function previewConfig(old: PoolConfig, next: PoolConfig, state: PreviewState): ConfigPreview {
  const before = decideAll(old, old, state);
  const after = decideAll(old, next, state);
  const preview = { stranded: [], recovered: [], gaining: [], waiting: [], staying: 0 } as Mutable<ConfigPreview>;
  for (const [service, decision] of after) {
    const list = outlookOf(before.get(service), decision);
    if (list === 'staying') preview.staying++;
    else preview[list].push(describe(decision));
  }
  return preview;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer I)[] ? I[] : T[K] };

/** What `next` decides about each Service, after `old` has said who holds what. */
function decideAll(old: PoolConfig, next: PoolConfig, state: PreviewState): Map<ServiceKey, Decision> {
  const { ledger, requests, namespaces, nowMs } = state;
  const allocator = new Allocator({ config: old, namespaces });
  allocator.reset(ledger);
  // A quarantine that the next leader ends says the same of both configurations.
  allocator.adopt({ requests, departing: [], nowMs, wasAnnounced: () => false });
  allocator.setSurroundings({ config: next, namespaces });
  const decisions = requests.toSorted(byAge).map((request) => allocator.decide(request, nowMs));
  return new Map(decisions.map((decision) => [decision.service, decision]));
}

function outlookOf(before: Decision | undefined, after: Decision): Exclude<keyof ConfigPreview, 'staying'> | 'staying' {
  if (after.addresses.length === 0) return 'waiting';
  if (after.addresses.length > (before?.addresses.length ?? 0)) return 'gaining';
  const wasStranded = before !== undefined && isStranded(before);
  if (isStranded(after)) return wasStranded ? 'staying' : 'stranded';
  return wasStranded ? 'recovered' : 'staying';
}

function isStranded({ remarks }: Decision): boolean {
  return remarks.length > 0;
}

function describe({ service, addresses, condition }: Decision): ServiceOutlook {
  const { reason, message } = condition;
  return { service, addresses: addresses.map(({ address }) => address), reason, message };
}
