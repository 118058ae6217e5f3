// SPDX-License-Identifier: Apache-2.0
/** Names that only the cluster knows, for completion. */
import { allocatorOf, DRAIN_ANNOTATION, readPools, shownAddressesOf } from '@berth/core';
import { type KubeApi, keyOf, nodes, type Service, services } from '@berth/kube';
import { listAll, listPoolObjects } from '../cluster-state.ts';
import type { ClusterOptions } from '../operation.ts';
import type { Candidate, LiveKind } from './completion.ts';

export interface Asked {
  readonly api: KubeApi;
  /** Services of this namespace go by their name alone. */
  readonly namespace: string;
  readonly cluster: ClusterOptions;
}

export async function liveNames(kind: LiveKind, asked: Asked): Promise<readonly Candidate[]> {
  switch (kind) {
    case 'vip':
      return vipsOf(await balancedServices(asked));
    case 'service':
      return servicesOf(await balancedServices(asked), asked);
    case 'node':
      return nodesOf(asked);
    case 'address':
      return quarantined(asked);
    case 'about': {
      const [all, names] = await Promise.all([balancedServices(asked), nodesOf(asked)]);
      return [...vipsOf(all), ...servicesOf(all, asked), ...names];
    }
  }
}

async function balancedServices({ api }: Asked): Promise<Service[]> {
  return (await listAll(api, services)).filter(({ spec }) => spec?.type === 'LoadBalancer');
}

function vipsOf(all: readonly Service[]): Candidate[] {
  const shown = all.flatMap((service) => shownAddressesOf(service).map((vip) => ({ vip: String(vip), service })));
  const groups = Map.groupBy(shown, ({ vip }) => vip);
  return [...groups].map(([value, rows]) => ({
    value,
    description: rows.map(({ service }) => keyOf(service)).join(' '),
  }));
}

function servicesOf(all: readonly Service[], { namespace }: Asked): Candidate[] {
  return all.map((service) => ({
    value: service.metadata.namespace === namespace ? service.metadata.name : keyOf(service),
    description: shownAddressesOf(service).join(' ') || 'no address',
  }));
}

async function nodesOf({ api }: Asked): Promise<Candidate[]> {
  return (await listAll(api, nodes)).map(({ metadata }) => ({
    value: metadata.name,
    description: metadata.annotations?.[DRAIN_ANNOTATION] === undefined ? 'node' : 'drained node',
  }));
}

async function quarantined({ api, cluster }: Asked): Promise<Candidate[]> {
  const facts = readPools(await listPoolObjects(api, cluster));
  return allocatorOf(facts)
    .table.quarantined()
    .map(({ address, quarantine }) => ({
      value: String(address),
      description: `used by ${quarantine?.mac ?? ''}`,
    }));
}
