// SPDX-License-Identifier: Apache-2.0
/** Turns documents that were found right into the values that decisions work with. */
import { byName } from '../compare-text.ts';
import { IpAddress } from '../net/ip-address.ts';
import { parseDurationSeconds } from './duration.ts';
import type { LabelSelector } from './label-selector.ts';
import { objectOf, type TypedDocument } from './parse-document.ts';
import type { AddressPool, L2Advertisement, PoolConfig, PoolEntry, Quota, ServiceAllocation } from './pool-config.ts';
import { parsePoolEntry } from './pool-entry.ts';
import {
  type AddressPoolDocument,
  type L2AdvertisementDocument,
  METALLB_API_VERSION,
  type SelectorDocument,
} from './schema.ts';

/** The configuration of documents without problems, ordered by name. */
export function buildPoolConfig(documents: readonly TypedDocument[]): PoolConfig {
  const pools: AddressPool[] = [];
  const advertisements: L2Advertisement[] = [];
  for (const document of documents) {
    if (document.kind === 'IPAddressPool') pools.push(poolOf(document.content, objectOf(document.source)?.key));
    else advertisements.push(advertisementOf(document.content));
  }
  return { pools: byName(pools), advertisements: byName(advertisements) };
}

function poolOf({ apiVersion, metadata, spec }: AddressPoolDocument, object: string | undefined): AddressPool {
  const isMetallb = METALLB_API_VERSION.test(apiVersion);
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    addresses: spec.addresses.map(entryOf),
    autoAssign: spec.autoAssign,
    avoidBuggyIPs: spec.avoidBuggyIPs,
    exclude: (spec.exclude ?? []).map(entryOf),
    reserved: (spec.reserved ?? []).map(({ address, service }) => ({ address: addressOf(address), service })),
    quota: spec.quota === undefined ? undefined : quotaOf(spec.quota),
    cooldownSeconds: parseDurationSeconds(spec.cooldown ?? '0s') ?? 0,
    serviceAllocation: allocationOf(spec.serviceAllocation ?? {}, isMetallb),
    ...(isMetallb && { metallb: { object } }),
  };
}

function quotaOf(quota: NonNullable<AddressPoolDocument['spec']['quota']>): Quota {
  return { perNamespace: quota.perNamespace, namespaces: quota.namespaces ?? {} };
}

// MetalLB lets Services of all namespaces share, so its documents keep that meaning.
function allocationOf(
  allocation: NonNullable<AddressPoolDocument['spec']['serviceAllocation']>,
  isMetallb: boolean,
): ServiceAllocation {
  return {
    priority: allocation.priority ?? 0,
    namespaces: allocation.namespaces ?? [],
    namespaceSelectors: (allocation.namespaceSelectors ?? []).map(selectorOf),
    serviceSelectors: (allocation.serviceSelectors ?? []).map(selectorOf),
    sharedAcrossNamespaces: allocation.sharedAcrossNamespaces ?? isMetallb,
  };
}

function advertisementOf({ metadata, spec = {} }: L2AdvertisementDocument): L2Advertisement {
  return {
    name: metadata.name,
    ipAddressPools: spec.ipAddressPools ?? [],
    ipAddressPoolSelectors: (spec.ipAddressPoolSelectors ?? []).map(selectorOf),
    nodeSelectors: (spec.nodeSelectors ?? []).map(selectorOf),
    interfaces: spec.interfaces ?? [],
    serviceSelectors: (spec.serviceSelectors ?? []).map(selectorOf),
    preferredNodeSelectors: (spec.preferredNodeSelectors ?? []).map(({ weight, preference }) => ({
      weight,
      preference: selectorOf(preference),
    })),
    ...(spec.serve && { serve: spec.serve }),
  };
}

function selectorOf({ matchLabels = {}, matchExpressions = [] }: SelectorDocument): LabelSelector {
  return {
    matchLabels,
    matchExpressions: matchExpressions.map(({ key, operator, values = [] }) => ({ key, operator, values })),
  };
}

// The schema has refused everything that could fail here.
function entryOf(text: string): PoolEntry {
  const result = parsePoolEntry(text);
  if (!result.ok) throw new Error(`core: checked entry cannot be read: ${result.reason}`);
  return result.entry;
}

function addressOf(text: string): IpAddress {
  const result = IpAddress.parse(text.trim());
  if (!result.ok) throw new Error(`core: checked address cannot be read: ${result.reason}`);
  return result.value;
}
