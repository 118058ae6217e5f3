// SPDX-License-Identifier: Apache-2.0
/**
 * The configuration of MetalLB before 0.13: one ConfigMap `config` with the list `address-pools`. It is not read, since
 * its BGP part has no counterpart here; whoever has it gets the documents that say the same.
 */
import { stringify } from 'yaml';
import { isObject } from './is-object.ts';
import { API_VERSION } from './schema.ts';

/** Most pools that are converted; who has more writes a program. */
const MAX_POOLS = 200;

/** Whether a value has the shape of MetalLB's old configuration. */
export function isLegacyConfig(value: unknown): value is { readonly 'address-pools': readonly unknown[] } {
  return isObject(value) && value.kind === undefined && Array.isArray(value['address-pools']);
}

/** The documents that say the same, as YAML text that is ready to be put into a key. Never throws. */
export function convertLegacyConfig(value: { readonly 'address-pools': readonly unknown[] }): string {
  const pools = value['address-pools'].slice(0, MAX_POOLS).filter(isObject);
  const [layer2, others] = [pools.filter(isLayer2), pools.filter((pool) => !isLayer2(pool))];
  const names = layer2.map(({ name }) => name).filter((name) => name !== undefined);
  const policy = {
    apiVersion: API_VERSION,
    kind: 'L2Advertisement',
    metadata: { name: 'converted' },
    spec: { ipAddressPools: names },
  };
  const documents = names.length === 0 ? [] : [...layer2.map(documentOf), policy];
  const texts = documents.map((document) => stringify(document, { lineWidth: 0 }));
  return [...others.map(leftOut), texts.join('---\n')].join('');
}

function isLayer2({ protocol }: Record<string, unknown>): boolean {
  return protocol === undefined || protocol === 'layer2';
}

function documentOf(pool: Record<string, unknown>): unknown {
  const { name, addresses } = pool;
  const spec = {
    addresses: addresses ?? [],
    ...(typeof pool['auto-assign'] === 'boolean' && { autoAssign: pool['auto-assign'] }),
    ...(typeof pool['avoid-buggy-ips'] === 'boolean' && { avoidBuggyIPs: pool['avoid-buggy-ips'] }),
    // So it is with MetalLB, and Services may rely on it.
    serviceAllocation: { sharedAcrossNamespaces: true },
  };
  return { apiVersion: API_VERSION, kind: 'IPAddressPool', metadata: { name }, spec };
}

function leftOut({ name, protocol }: Record<string, unknown>): string {
  return `# pool ${oneWord(name)} has protocol ${oneWord(protocol)} and is left out: Berth announces on layer 2 only\n`;
}

// In a comment a line end would begin YAML.
function oneWord(value: unknown): string {
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 64) : '') ?? '';
}
