// SPDX-License-Identifier: Apache-2.0
/**
 * The fact that Berth gave addresses to a Service or took them over: which ones, by which installation, and which of
 * them were announced. It is the condition `berth.dev/Given`, whose message is JSON for programs, written in the patch
 * that shows the addresses. Only who may write `services/status` can write it: whoever edits Services, or copies a
 * manifest, can not. No other text of a status is ever read.
 */
import * as z from 'zod/mini';
import { IpAddress } from '../net/ip-address.ts';
import type { KubeCondition, KubeIngress, KubeService } from './kube-service.ts';
import { DEFAULT_LOAD_BALANCER_CLASS, type LoadBalancerClassRule } from './load-balancer-class.ts';

export const CONDITION_GIVEN = 'berth.dev/Given';

/**
 * The condition that tells people whether a Service has its address; versions without {@link CONDITION_GIVEN} wrote it
 * too.
 */
export const CONDITION_ADDRESS_ASSIGNED = 'berth.dev/AddressAssigned';

/** A Service has at most one address of each family; beyond these bounds it is nothing that Berth wrote. */
const MAX_ADDRESSES = 256;
const MAX_CHARACTERS = 32 * 1024;

export interface Usage {
  /** The class of the installation that says so. */
  readonly loadBalancerClass: string;
  /** What it gave or took over. */
  readonly given: readonly IpAddress[];
  /** Those of them that were announced at any time. */
  readonly used: readonly IpAddress[];
  /** By address: the pool that the Service asked for, where that wish is met. Default: it asked for none. */
  readonly askedPools?: ReadonlyMap<string, string>;
}

const addresses = z.array(z.string().check(z.maxLength(64))).check(z.maxLength(MAX_ADDRESSES));
const NO_ADDRESSES: readonly IpAddress[] = [];
const NOTHING_ASKED: ReadonlyMap<string, string> = new Map();

const askedPools = z.record(z.string().check(z.maxLength(64)), z.string().check(z.maxLength(253)));
const shape = z.object({
  class: z.string().check(z.maxLength(512)),
  given: addresses,
  used: addresses,
  pools: z.optional(askedPools),
});

/** The fact as a condition, without its time. Equal facts give equal texts. */
export function usageCondition({
  loadBalancerClass,
  given,
  used,
  askedPools = new Map(),
}: Usage): Pick<KubeCondition, 'type' | 'status' | 'reason' | 'message'> {
  const isGiven = given.length > 0;
  const pools = askedPools.size === 0 ? {} : { pools: Object.fromEntries(askedPools) };
  return {
    type: CONDITION_GIVEN,
    status: isGiven ? 'True' : 'False',
    reason: isGiven ? 'Given' : 'NothingGiven',
    message: JSON.stringify({ class: loadBalancerClass, given: given.map(String), used: used.map(String), ...pools }),
  };
}

/** What was read of a condition, null where it cannot be read; objects of the API server are never changed. */
const known = new WeakMap<KubeCondition, Usage | null>();

/** What the status says; undefined when it says nothing or what it says cannot be read. Never throws. */
export function usageOf(service: KubeService): Usage | undefined {
  const condition = givenConditionOf(service);
  if (condition === undefined) return undefined;
  const before = known.get(condition);
  if (before !== undefined) return before ?? undefined;
  const usage = readUsage(condition.message, shownAddressesOf(service));
  known.set(condition, usage ?? null);
  return usage;
}

/** `shown`: what is kept of the Service already, and is kept once where it is the same. */
function readUsage(text: unknown, shown: readonly IpAddress[]): Usage | undefined {
  if (typeof text !== 'string' || text.length > MAX_CHARACTERS) return undefined;
  const read = shape.safeParse(parseJson(text));
  if (!read.success) return undefined;
  const given = listOf(read.data.given, shown);
  const used = given && listOf(read.data.used, given);
  if (given === undefined || used === undefined) return undefined;
  const { class: itsClass, pools = {} } = read.data;
  const asked = Object.entries(pools);
  return {
    loadBalancerClass: itsClass === DEFAULT_LOAD_BALANCER_CLASS ? DEFAULT_LOAD_BALANCER_CLASS : itsClass,
    given,
    used,
    askedPools: asked.length === 0 ? NOTHING_ASKED : new Map(asked),
  };
}

/**
 * What this installation gave to the Service or took over, by its status; undefined when the status does not say that
 * it was ever at work here. A version before the fact wrote {@link CONDITION_ADDRESS_ASSIGNED} alone, in one patch with
 * the addresses.
 */
export function givenTo(
  service: KubeService,
  rule: Pick<LoadBalancerClassRule, 'loadBalancerClass'>,
): readonly IpAddress[] | undefined {
  if (givenConditionOf(service) === undefined) return wasAssigned(service) ? plainAddressesOf(service) : undefined;
  const usage = usageOf(service);
  return usage?.loadBalancerClass === rule.loadBalancerClass ? usage.given : undefined;
}

/** The pools that the Service asked for where this installation gave, by address; see {@link Usage.askedPools}. */
export function askedPoolsOf(service: KubeService, rule: LoadBalancerClassRule): ReadonlyMap<string, string> {
  const usage = usageOf(service);
  return (usage?.loadBalancerClass === rule.loadBalancerClass ? usage.askedPools : undefined) ?? NOTHING_ASKED;
}

/** What the status shows of that: the addresses that this installation is to see to. */
export function ownAddressesOf(service: KubeService, rule: LoadBalancerClassRule): readonly IpAddress[] {
  const given = givenTo(service, rule) ?? [];
  return given.length === 0 ? [] : plainAddressesOf(service).filter((address) => includesAddress(given, address));
}

/** What was read of the entries of a status; objects of the API server are never changed. */
const knownEntries = new WeakMap<readonly object[], readonly IpAddress[]>();
const NO_ENTRIES: readonly KubeIngress[] = [];

/**
 * The addresses in status.loadBalancer, duplicates and other entries left out. It is asked for each address of a
 * Service, so the entries are read once.
 */
export function shownAddressesOf(service: KubeService): readonly IpAddress[] {
  const entries = service.status?.loadBalancer?.ingress ?? NO_ENTRIES;
  const shown = knownEntries.get(entries) ?? distinct(entries.map(({ ip }) => ip));
  knownEntries.set(entries, shown);
  return shown;
}

/** Entries of status.loadBalancer as people read them: addresses and host names. */
export function shownTextsOf(service: KubeService): readonly string[] {
  const texts = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []);
  return [...new Set(texts)];
}

/**
 * Whether an entry of status.loadBalancer is no address that somebody could answer for: a host name, or one of mode
 * Proxy.
 */
export function showsOther(service: KubeService): boolean {
  return (service.status?.loadBalancer?.ingress ?? []).some(
    ({ ip = '', hostname = '', ipMode = 'VIP' }) => hostname !== '' || ipMode !== 'VIP' || !IpAddress.parse(ip).ok,
  );
}

/** Whether the list has the address. */
export function includesAddress(addresses: readonly IpAddress[], address: IpAddress): boolean {
  return addresses.some((other) => other.equals(address));
}

function givenConditionOf(service: KubeService): KubeCondition | undefined {
  return service.status?.conditions?.find(({ type }) => type === CONDITION_GIVEN);
}

function wasAssigned(service: KubeService): boolean {
  return (service.status?.conditions ?? []).some(
    ({ type, status }) => type === CONDITION_ADDRESS_ASSIGNED && status === 'True',
  );
}

// In mode Proxy somebody in front terminates the traffic, so no one must answer for the address.
function plainAddressesOf(service: KubeService): readonly IpAddress[] {
  const plain = (service.status?.loadBalancer?.ingress ?? []).filter(({ ipMode = 'VIP' }) => ipMode === 'VIP');
  return distinct(plain.map(({ ip }) => ip));
}

function distinct(texts: readonly (string | undefined)[]): readonly IpAddress[] {
  const addresses = new Map<string, IpAddress>();
  for (const text of new Set(texts)) {
    const address = IpAddress.parse(text ?? '');
    if (address.ok && !addresses.has(String(address.value))) addresses.set(String(address.value), address.value);
  }
  return [...addresses.values()];
}

/** The addresses of these texts; `kept` itself where they are the same. */
function listOf(texts: readonly string[], kept: readonly IpAddress[]): readonly IpAddress[] | undefined {
  if (texts.length === 0) return NO_ADDRESSES;
  if (texts.length === kept.length && texts.every((text, index) => text === String(kept[index]))) return kept;
  const list = texts.map((text) => IpAddress.parse(text));
  return list.every((one) => one.ok) ? list.map(({ value }) => value) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
