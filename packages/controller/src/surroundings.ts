// SPDX-License-Identifier: Apache-2.0
/** What decisions about addresses look at besides the Service itself. */
import { EMPTY_POOL_CONFIG, type Labels, type Surroundings } from '@berth/core';
import type { Namespace } from '@berth/kube';
import type { PoolState } from './pool-source.ts';

export function surroundingsOf({ config }: PoolState, namespaces: Iterable<Namespace>): Surroundings {
  const labels = new Map<string, Labels>();
  for (const { metadata } of namespaces) if (metadata.labels) labels.set(metadata.name, metadata.labels);
  return { config: config ?? EMPTY_POOL_CONFIG, namespaces: labels };
}
