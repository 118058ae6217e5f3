// SPDX-License-Identifier: Apache-2.0
/**
 * What a move from MetalLB would come to: the configuration, and the fate of each Service by the code of the
 * controller. Nothing is changed.
 */
import type { MetallbFiles, WithoutCounterpart } from '../config/metallb-files.ts';
import { MOVED_KEY, metallbObjectsText } from '../config/metallb-objects.ts';
import { parseConfigMap } from '../config/parse.ts';
import { POOL_CONFIG_MAP, type PoolConfig } from '../config/pool-config.ts';
import { type ConfigProblem, formatProblem } from '../config/problem.ts';
import { previewConfig, type ServiceOutlook } from '../ipam/preview.ts';
import type { IpAddress } from '../net/ip-address.ts';
import type { ClusterFacts } from '../report/cluster-facts.ts';
import type { ServiceRequest } from '../service/service-request.ts';
import { ownAddressesOf } from '../service/usage.ts';
import { policiesOfVip } from '../service/vip-policies.ts';
import { wasAnnounced } from '../status/announced-before.ts';

/**
 * `left-alone`, `stranded`: Berth would not announce what it shows, or not give it again. `not-announced`: no
 * L2Advertisement covers it, so MetalLB announces it by BGP alone or not at all. `waiting`, `gaining`: it has no
 * address yet. `keeps`: its address, announced by Berth.
 */
export type Fate = 'left-alone' | 'stranded' | 'not-announced' | 'waiting' | 'gaining' | 'keeps';

export interface PlannedService {
  readonly service: string;
  readonly fate: Fate;
  readonly addresses: readonly IpAddress[];
  /** Why, in a sentence; empty for one that keeps its address. */
  readonly message: string;
}

export interface MetallbPlan {
  /** The data of the ConfigMap of the pools as it is to be, with what was there before. */
  readonly data: Readonly<Record<string, string>>;
  /** What is wrong with it, a line each; empty where it is accepted. */
  readonly problems: readonly string[];
  /** Those that would not keep their address first. */
  readonly services: readonly PlannedService[];
  readonly without: readonly WithoutCounterpart[];
  /** Why it must not be applied, a line each; empty where it may. */
  readonly obstacles: readonly string[];
}

/** From the one that loses most on. */
const FATES: readonly Fate[] = ['left-alone', 'not-announced', 'stranded', 'waiting', 'gaining', 'keeps'];
/** What a person would call harm. Who has no address yet loses none. */
const HARMFUL: ReadonlySet<Fate> = new Set(['left-alone', 'not-announced', 'stranded']);

export function planFromMetallb(facts: ClusterFacts, { configuration, without }: MetallbFiles): MetallbPlan {
  const present = facts.objects.configMaps.find(({ metadata }) => metadata.name === POOL_CONFIG_MAP);
  const data = { ...present?.data, [MOVED_KEY]: metallbObjectsText(configuration) };
  const parsed = parseConfigMap({ data, binaryData: present?.binaryData ?? {} });
  const problems = parsed.ok ? [] : parsed.problems.map((problem: ConfigProblem) => formatProblem(problem));
  const services = parsed.ok ? fatesUnder(facts, parsed.config) : [];
  const harmed = services.filter(({ fate }) => HARMFUL.has(fate));
  const kinds = new Set(configuration.map(({ kind }) => kind));
  const obstacles = [
    ...(kinds.has('IPAddressPool') ? [] : ['there is no IPAddressPool of MetalLB']),
    // Berth would announce on layer 2 what MetalLB does not.
    ...(kinds.has('L2Advertisement') ? [] : ['there is no L2Advertisement: MetalLB announces nothing on layer 2']),
    ...(problems.length === 0 ? [] : ['the configuration is refused']),
    ...(harmed.length === 0 ? [] : [`${harmed.length} of ${services.length} Services would not go on as they are`]),
  ];
  return { data, problems, services, without, obstacles };
}

function fatesUnder(facts: ClusterFacts, next: PoolConfig): PlannedService[] {
  const { objects, byKey, requests } = facts;
  const { nowMs } = objects;
  const used = (key: string, address: IpAddress) => wasAnnounced(byKey.get(key) ?? {}, address, nowMs);
  const preview = previewConfig(facts.config, next, { ...facts, nowMs, wasAnnounced: used });
  const { foreign, stranded, waiting, gaining } = preview;
  const planned = new Map<string, PlannedService>();
  const tell = (fate: Fate, outlooks: readonly ServiceOutlook[]) => {
    for (const { service, addresses, message } of outlooks) planned.set(service, { service, fate, addresses, message });
  };
  tell('left-alone', foreign);
  tell('stranded', stranded);
  tell('waiting', waiting);
  tell('gaining', gaining);
  const all = requests.map((request) => planned.get(request.service) ?? keeping(facts, next, request));
  return all.sort((a, b) => FATES.indexOf(a.fate) - FATES.indexOf(b.fate) || (a.service < b.service ? -1 : 1));
}

/** One that keeps its address, if somebody announces it then. What Berth serves already is no matter of the move. */
function keeping(
  { byKey, rule }: ClusterFacts,
  next: PoolConfig,
  { service, shownAddresses }: ServiceRequest,
): PlannedService {
  const object = byKey.get(service) ?? {};
  const kept = { service, fate: 'keeps', addresses: shownAddresses, message: '' } as const;
  if (ownAddressesOf(object, rule).length > 0) return kept;
  const silent = shownAddresses.flatMap((vip) => {
    const policies = policiesOfVip(object, vip, next);
    return policies.announced ? [] : [`${vip}: ${policies.message}`];
  });
  return silent.length === 0 ? kept : { ...kept, fate: 'not-announced', message: silent.join('; ') };
}
