// SPDX-License-Identifier: Apache-2.0
/**
 * Which configuration is in force, as the ConfigMaps of Berth's namespace tell: the ConfigMap of the pools, objects of
 * MetalLB beside it, or what was accepted last.
 */
import { byName } from '../compare-text.ts';
import { joinMetallbObjects } from '../config/metallb-join.ts';
import { METALLB_OBJECTS_KEY } from '../config/metallb-objects.ts';
import { parseConfigMap, parsePoolConfig } from '../config/parse.ts';
import {
  type AddressPool,
  EMPTY_POOL_CONFIG,
  LAST_GOOD_MAP,
  POOL_CONFIG_MAP,
  POOL_STATUS_MAP,
  type PoolConfig,
} from '../config/pool-config.ts';
import { formatProblem } from '../config/problem.ts';
import type { KubeConfigMap } from './objects.ts';

/** Key of the ConfigMap `pool-status` that says what became of the objects of MetalLB; absent where there are none. */
export const METALLB_STATUS_KEY = 'metallb';

export interface ConfigFacts {
  /** What is in force. */
  readonly config: PoolConfig;
  /**
   * Where it was read from: what is configured now (the ConfigMap, objects of MetalLB with it or alone), or what was
   * accepted last, where that is missing or refused.
   */
  readonly configFrom: typeof POOL_CONFIG_MAP | typeof LAST_GOOD_MAP | undefined;
  /** Why it is refused, a line each; empty where it is not, or is missing. */
  readonly configProblems: readonly string[];
  /** What of it are objects of MetalLB, as the controller accepted them. */
  readonly metallbObjects: PoolConfig;
  /** Whether the controller leaves objects of MetalLB alone since MetalLB is at work. */
  readonly isMetallbAtWork: boolean;
}

export function configIn(maps: readonly KubeConfigMap[]): ConfigFacts {
  const dataOf = (name: string) => maps.find(({ metadata }) => metadata.name === name)?.data;
  const objects = dataOf(LAST_GOOD_MAP)?.[METALLB_OBJECTS_KEY];
  const status = dataOf(POOL_STATUS_MAP) ?? {};
  const word = status[METALLB_STATUS_KEY];
  const part =
    objects === undefined ? undefined : parsePoolConfig({ [METALLB_OBJECTS_KEY]: objects }, { extent: 'part' });
  const metallb = {
    metallbObjects: part?.ok ? part.config : EMPTY_POOL_CONFIG,
    isMetallbAtWork: word === 'MetallbRuns',
  };
  // What the objects are now, only the controller has seen.
  const isRefused = word !== undefined && status.config === 'Invalid';
  const configProblems = isRefused ? (status.problems ?? '').split('\n').filter((line) => line !== '') : [];
  const own = maps.find(({ metadata }) => metadata.name === POOL_CONFIG_MAP);
  const wanted = isRefused ? undefined : joinMetallbObjects(dataOf(LAST_GOOD_MAP), own, objects ?? '');
  const read = wanted && parseConfigMap(wanted);
  if (read?.ok) return { ...metallb, config: read.config, configFrom: POOL_CONFIG_MAP, configProblems };
  const problems = [...configProblems, ...(read?.problems.map(formatProblem) ?? [])];
  const accepted = maps.find(({ metadata }) => metadata.name === LAST_GOOD_MAP);
  const last = accepted && parseConfigMap(accepted);
  if (last?.ok) return { ...metallb, config: last.config, configFrom: LAST_GOOD_MAP, configProblems: problems };
  return { ...metallb, config: EMPTY_POOL_CONFIG, configFrom: undefined, configProblems: problems };
}

/** What is to be said about the configuration that answers are given by; empty when it is what is configured. */
export function noteOnConfig({
  configFrom,
  configProblems,
  isMetallbAtWork,
}: Pick<ConfigFacts, 'configFrom' | 'configProblems' | 'isMetallbAtWork'>): string {
  const metallb = isMetallbAtWork ? "; objects of MetalLB are not read while MetalLB's controller is at work" : '';
  if (configFrom === POOL_CONFIG_MAP) return metallb.slice(2);
  const what = `ConfigMap ${POOL_CONFIG_MAP} is ${configProblems.length > 0 ? 'refused' : 'missing'}`;
  if (configFrom === undefined) return `there is no configuration in force: ${what}${metallb}`;
  return `${what}; the last good configuration is in force (${configFrom})${metallb}`;
}

/** A new ConfigMap, and the objects of MetalLB that stay beside it. */
export interface JoinedConfig {
  readonly config: PoolConfig;
  /** Objects that the ConfigMap has too: as long as they are there the controller refuses it. */
  readonly replaced: readonly string[];
  /** Pools of both that overlap, a line each: the controller refuses them. */
  readonly conflicts: readonly string[];
}

/** The objects without those that files have anew, as `IPAddressPool lan`. */
export function objectsWithout({ pools, advertisements }: PoolConfig, replaced: ReadonlySet<string>): PoolConfig {
  return {
    pools: pools.filter(({ name }) => !replaced.has(`IPAddressPool ${name}`)),
    advertisements: advertisements.filter(({ name }) => !replaced.has(`L2Advertisement ${name}`)),
  };
}

/** What a new ConfigMap comes to, once the objects are deleted that it has too. */
export function joinObjects(next: PoolConfig, { pools, advertisements }: PoolConfig): JoinedConfig {
  const has = (list: readonly { readonly name: string }[]) => (name: string) => list.some((one) => one.name === name);
  const [hasPool, hasPolicy] = [has(next.pools), has(next.advertisements)];
  const staying = pools.filter(({ name }) => !hasPool(name));
  const replaced = [
    ...pools.filter(({ name }) => hasPool(name)).map(({ name, metallb }) => `IPAddressPool ${metallb?.object ?? name}`),
    ...advertisements.filter(({ name }) => hasPolicy(name)).map(({ name }) => `L2Advertisement ${name}`),
  ];
  const conflicts = next.pools.flatMap((pool) =>
    staying.filter((other) => overlaps(pool, other)).map((other) => conflictOf(pool, other)),
  );
  const policies = [...next.advertisements, ...advertisements.filter(({ name }) => !hasPolicy(name))];
  return {
    config: { pools: byName([...next.pools, ...staying]), advertisements: byName(policies) },
    replaced,
    conflicts,
  };
}

function overlaps(one: AddressPool, other: AddressPool): boolean {
  return one.addresses.some(({ range }) => other.addresses.some((entry) => entry.range.overlaps(range)));
}

function conflictOf({ name }: AddressPool, other: AddressPool): string {
  return `IPAddressPool ${name} overlaps object IPAddressPool ${other.metallb?.object ?? other.name}`;
}
