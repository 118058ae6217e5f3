// SPDX-License-Identifier: Apache-2.0
/** What Services, Nodes and ranges say of addresses that Berth did not give. */
import { IpAddress } from '../net/ip-address.ts';
import { IpPrefix } from '../net/ip-prefix.ts';
import { type KubeService, serviceKeyOf } from '../service/kube-service.ts';
import { isOurs, type LoadBalancerClassRule } from '../service/load-balancer-class.ts';
import { givenTo, includesAddress, shownAddressesOf } from '../service/usage.ts';
import type { Occupant } from './occupants.ts';

/** The part of a Node that is looked at. */
export interface KubeNodeAddresses {
  readonly metadata?: { readonly name?: string };
  readonly spec?: { readonly podCIDR?: string; readonly podCIDRs?: readonly string[] };
  readonly status?: { readonly addresses?: readonly { readonly address: string }[] };
}

/** External IPs of a Service of any type, and what its status shows that Berth did not give. */
export function occupantsOfService(service: KubeService, rule: LoadBalancerClassRule): readonly Occupant[] {
  const { externalIPs } = service.spec ?? {};
  const shown = shownAddressesOf(service);
  if (!externalIPs?.length && shown.length === 0) return [];
  const key = serviceKeyOf(service);
  const given = givenTo(service, rule) ?? [];
  const foreign = shown.filter((address) => !includesAddress(given, address));
  const holder = `shown by Service ${key}, to which somebody else gave it`;
  const isCandidate = isOurs(service, rule);
  return [
    ...(externalIPs ?? [])
      .flatMap(addressOf)
      .map((at) => ({ at, holder: `an external IP of Service ${key}`, service: key })),
    ...foreign.map((at) => ({ at, holder, service: key, isCandidate })),
  ];
}

/** The addresses of a Node, and the ranges of its pods. */
export function occupantsOfNode({ metadata, spec, status }: KubeNodeAddresses): readonly Occupant[] {
  const name = metadata?.name ?? '';
  const own = (status?.addresses ?? []).flatMap(({ address }) => addressOf(address));
  const ranges = spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []);
  return [
    ...own.map((at) => ({ at, holder: `an address of node ${name}`, node: name })),
    ...ranges.flatMap((text) => rangeOf(text, `in the range ${text} of pods on node ${name}`)),
  ];
}

/** The ranges that the API server takes cluster IPs from. */
export function occupantsOfServiceRanges(cidrs: readonly string[]): readonly Occupant[] {
  return cidrs.flatMap((text) => rangeOf(text, `in the range of Services ${text}`));
}

function addressOf(text: string): IpAddress[] {
  const address = IpAddress.parse(text);
  return address.ok ? [address.value] : [];
}

function rangeOf(text: string, holder: string): Occupant[] {
  const prefix = IpPrefix.parse(text);
  return prefix.ok ? [{ at: prefix.value.range, holder }] : [];
}
