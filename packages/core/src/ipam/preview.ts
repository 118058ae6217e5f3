// SPDX-License-Identifier: Apache-2.0
/** What a change of the configuration would mean for the Services that exist; nothing is changed. */
import type { PoolConfig } from '../config/pool-config.ts';
import type { IpAddress } from '../net/ip-address.ts';
import type { ServiceKey } from '../service/kube-service.ts';
import type { ServiceRequest } from '../service/service-request.ts';
import type { Surroundings } from './allocator.ts';
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
  readonly nowMs: number;
}

/** Compares what the old and the new configuration decide about every Service. */
export function previewConfig(_old: PoolConfig, _next: PoolConfig, _state: PreviewState): ConfigPreview {
  throw new Error('core: to follow');
}
