// SPDX-License-Identifier: Apache-2.0
import type { ClusterObjects } from '@berth/core';
import { configMaps, leases, namespaces, nodes, services } from '../resources.ts';
import { FakeApi } from './fake-api.ts';

/** A cluster behind an API in memory: its Services, nodes, namespaces, Leases and ConfigMaps. */
export async function fakeApiOf(objects: ClusterObjects): Promise<FakeApi> {
  const api = new FakeApi();
  const kinds = [
    [services, objects.services],
    [nodes, objects.nodes],
    [namespaces, objects.namespaces],
    [leases, objects.leases],
    [configMaps, objects.configMaps],
  ] as const;
  for (const [kind, all] of kinds) for (const object of all) await api.create(kind as never, object as never);
  return api;
}
