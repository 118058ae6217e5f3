// SPDX-License-Identifier: Apache-2.0
/** Which VIPs every node is to serve, with the ports of the Services that share each. Pure. */
import { type IpAddress, type ServiceKey, type SpreadBy, serveModeOf } from '@berth/core';
import type { Service } from '@berth/kube';
import type { SpreadService } from '@berth/link';
import type { WantedVip } from '../cluster/wanted-vips.ts';

/** One port of a Service on a VIP. */
export interface ServedPort {
  readonly protocol: SpreadService['protocol'];
  readonly port: number;
}

/** A VIP that every node is to serve. */
export interface ServedEverywhere {
  readonly vip: IpAddress;
  readonly by: SpreadBy;
  readonly ports: readonly ServedPort[];
  /**
   * Ports at which kube-proxy tells whether this node has endpoints, one for each Service with `externalTrafficPolicy:
   * Local`.
   */
  readonly healthPorts: readonly number[];
}

/** Why a VIP that asks for it is served by its owner alone. */
export type NotEverywhere =
  /** Services that share it do not all ask for it. */
  | 'shared-with-owner-served'
  /** Policy Local without a port at which kube-proxy tells of endpoints. */
  | 'no-health-port';

export type ServeWish =
  | { readonly everywhere: true; readonly vip: ServedEverywhere }
  | { readonly everywhere: false; readonly vip: IpAddress; readonly why: NotEverywhere };

/** The VIPs that ask to be served by every node, by their text. In doubt the owner serves alone, and says why. */
export function serveWishes(
  wanted: readonly WantedVip[],
  serviceOf: (key: ServiceKey) => Service | undefined,
): ReadonlyMap<string, ServeWish> {
  const sharers = new Map<string, { readonly vip: IpAddress; readonly asks: Ask[] }>();
  for (const { vip, service: key, policies } of wanted) {
    const service = serviceOf(key);
    const isAsked = service !== undefined && serveModeOf(service.metadata.annotations ?? {}, policies) === 'every-node';
    const known = sharers.get(String(vip)) ?? { vip, asks: [] };
    known.asks.push({ service, isAsked });
    sharers.set(String(vip), known);
  }
  const wishes = new Map<string, ServeWish>();
  for (const [text, { vip, asks }] of sharers)
    if (asks.some(({ isAsked }) => isAsked)) wishes.set(text, wishOf(vip, asks));
  return wishes;
}

/** All VIPs with their ports, as they are when their owner serves them alone; by their text. */
export function servedByOwners(
  wanted: readonly WantedVip[],
  serviceOf: (key: ServiceKey) => Service | undefined,
): ReadonlyMap<string, ServedEverywhere> {
  const sharers = Map.groupBy(wanted, ({ vip }) => String(vip));
  return new Map(
    [...sharers].flatMap(([text, rows]): [string, ServedEverywhere][] => {
      const specs = rows.flatMap(({ service }) => serviceOf(service)?.spec ?? []);
      const [first] = rows;
      return first ? [[text, { vip: first.vip, by: byOf(specs), ports: portsOf(specs), healthPorts: [] }]] : [];
    }),
  );
}

interface Ask {
  readonly service: Service | undefined;
  readonly isAsked: boolean;
}

function wishOf(vip: IpAddress, asks: readonly Ask[]): ServeWish {
  if (asks.some(({ isAsked }) => !isAsked)) return { everywhere: false, vip, why: 'shared-with-owner-served' };
  const specs = asks.flatMap(({ service }) => service?.spec ?? []);
  const locals = specs.filter(({ externalTrafficPolicy }) => externalTrafficPolicy === 'Local');
  const healthPorts = locals.flatMap(({ healthCheckNodePort }) => healthCheckNodePort ?? []);
  if (healthPorts.length < locals.length) return { everywhere: false, vip, why: 'no-health-port' };
  return { everywhere: true, vip: { vip, by: byOf(specs), ports: portsOf(specs), healthPorts } };
}

type Spec = NonNullable<Service['spec']>;

function byOf(specs: readonly Spec[]): SpreadBy {
  return specs.some(({ sessionAffinity }) => sessionAffinity === 'ClientIP') ? 'client' : 'flow';
}

function portsOf(specs: readonly Spec[]): ServedPort[] {
  return specs.flatMap((spec) => spec.ports ?? []).flatMap(({ port, protocol = 'TCP' }) => portOf(port, protocol));
}

function portOf(port: number, protocol: string): ServedPort[] {
  return protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP' ? [{ protocol, port }] : [];
}
