// SPDX-License-Identifier: Apache-2.0
/**
 * Who gets a frame of its own when a VIP has moved: the gateways of the segment, those who asked for it, and then the
 * hosts that the node knows there. In this order, each once, and only hosts of the VIP's family.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { Asker } from './askers.ts';
import type { Corrected } from './gratuitous-schedule.ts';

/** What is known of one segment. */
export interface KnownHosts {
  readonly neighbors: readonly Asker[];
  /** Addresses of the next hops of default routes. */
  readonly gateways: readonly IpAddress[];
}

export function correctedFor(vip: IpAddress, hosts: KnownHosts, askers: readonly Asker[]): Corrected[] {
  const isGateway = ({ ip }: Asker) => hosts.gateways.some((gateway) => gateway.equals(ip));
  const neighbors = hosts.neighbors.filter(({ ip }) => ip.family === vip.family && !ip.equals(vip));
  const kinds = [
    ...neighbors.filter(isGateway).map((one) => ({ kind: 'gateway' as const, ...one })),
    ...askers.map((one) => ({ kind: 'asker' as const, ...one })),
    ...neighbors.map((one) => ({ kind: 'neighbor' as const, ...one })),
  ];
  const byMac = new Map<string, Corrected>();
  for (const { kind, mac, ip } of kinds) if (!byMac.has(String(mac))) byMac.set(String(mac), { kind, mac, ip });
  return [...byMac.values()];
}
