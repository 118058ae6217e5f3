// SPDX-License-Identifier: Apache-2.0
/** Worlds with some Services that have come to rest, and looks at what they show. */
import type { PoolConfig } from '../../config/pool-config.ts';
import type { KubeService } from '../../service/kube-service.ts';
import { configOf, type ServiceSketch, serviceOf } from './builders.ts';
import { World } from './world.ts';

export const LAN = configOf({ lan: { addresses: ['203.0.113.40-203.0.113.43'] } });

export function worldWith(config: PoolConfig, services: Readonly<Record<string, ServiceSketch>> = {}): World {
  const world = new World(config);
  world.put(...Object.entries(services).map(([name, sketch]) => serviceOf(name, sketch)));
  world.settle();
  return world;
}

export function annotate(world: World, name: string, annotations: Record<string, string>): void {
  const { annotations: spelled = {} } = serviceOf(name, { annotations }).metadata ?? {};
  world.server.edit(`shop/${name}`, (service) => ({
    ...service,
    metadata: { ...service.metadata, annotations: spelled },
  }));
}

export function conditionOf(service: KubeService | undefined) {
  return service?.status?.conditions?.find(({ type }) => type === 'berth.dev/AddressAssigned');
}

export function reasonOf(world: World, name: string): string | undefined {
  return conditionOf(world.server.services.get(`shop/${name}`))?.reason;
}
