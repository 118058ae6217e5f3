// SPDX-License-Identifier: Apache-2.0
/**
 * The annotations of a Service in all their spellings: ours, MetalLB's, and MetalLB's older one. Values come from
 * users: empty means not set, two spellings must agree, the size of what is read is capped.
 */
import { IpAddress } from '../net/ip-address.ts';
import { type Parsed, parsed, unparsed } from '../net/parsed.ts';

/** Prefixes that mean the same, ours first. */
export const PREFIXES = ['berth.dev/', 'metallb.io/', 'metallb.universe.tf/'] as const;

/** Longest value that is read, in characters. */
const MAX_CHARACTERS = 4096;
/** Most addresses in a list; a Service can have two. */
const MAX_ITEMS = 16;
/** Longest sharing key, in characters; it is stored in the ledger. */
const MAX_SHARING_KEY_CHARACTERS = 253;

export const ANNOTATION_WANTED_ADDRESSES = 'loadBalancerIPs';
export const ANNOTATION_WANTED_POOL = 'address-pool';
export const ANNOTATION_SHARING_KEY = 'allow-shared-ip';
/** Ours only: the addresses that a Service is to leave for others; it acts until the Service has left them. */
export const ANNOTATION_RENUMBER = 'berth.dev/renumber';

/** Ours only: the addresses of somebody else that Berth is to take over as they are; it acts until that is done. */
export const ANNOTATION_ADOPT = 'berth.dev/adopt';

export type Annotations = Readonly<Record<string, string>>;

/** One spelling of an annotation that is set, with its value. */
interface Spelled {
  readonly name: string;
  readonly value: string;
}

/** The addresses that are asked for by annotation, duplicates left out; empty when there is no annotation. */
export function readWantedAddresses(annotations: Annotations): Parsed<readonly IpAddress[]> {
  const spellings = spellingsOf(annotations, ANNOTATION_WANTED_ADDRESSES);
  const lists: { name: string; addresses: readonly IpAddress[] }[] = [];
  for (const { name, value } of spellings) {
    const list = readAddressList(value);
    if (!list.ok) return unparsed(`annotation ${name}: ${list.reason}`);
    lists.push({ name, addresses: list.value });
  }
  const [first] = lists;
  const other = lists.find(({ addresses }) => first !== undefined && !sameAddresses(addresses, first.addresses));
  if (first === undefined) return parsed([]);
  if (other === undefined) return parsed(first.addresses);
  const [a, b] = [first, other].map(({ name, addresses }) => `${name} is ${addresses.join(',')}`);
  return unparsed(`annotations contradict each other: ${a}, but ${b}`);
}

/** Where a Service asks for addresses by name: its annotations that do, and `spec.loadBalancerIP`. */
export function wantedAddressSources(annotations: Annotations, loadBalancerIP: string | undefined): readonly string[] {
  const names = spellingsOf(annotations, ANNOTATION_WANTED_ADDRESSES).map(({ name }) => `annotation ${name}`);
  return (loadBalancerIP ?? '').trim() === '' ? names : [...names, 'spec.loadBalancerIP'];
}

/** Whether a wish is written in one of MetalLB's spellings. */
export function usesMetallbSpelling(annotations: Annotations): boolean {
  const wishes = [ANNOTATION_WANTED_ADDRESSES, ANNOTATION_WANTED_POOL, ANNOTATION_SHARING_KEY];
  return wishes.some((wish) => spellingsOf(annotations, wish).some(({ name }) => !name.startsWith(PREFIXES[0])));
}

/** The pool that is asked for, undefined when there is no annotation. */
export function readWantedPool(annotations: Annotations): Parsed<string | undefined> {
  return agreedValue(annotations, ANNOTATION_WANTED_POOL);
}

/** The sharing key, empty when there is none. */
export function readSharingKey(annotations: Annotations): Parsed<string> {
  const key = agreedValue(annotations, ANNOTATION_SHARING_KEY);
  if (!key.ok) return key;
  if ((key.value ?? '').length <= MAX_SHARING_KEY_CHARACTERS) return parsed(key.value ?? '');
  return unparsed(`the sharing key has more than ${MAX_SHARING_KEY_CHARACTERS} characters`);
}

/** The addresses that the Service is to leave. */
export function readRenumber(annotations: Annotations): Parsed<readonly IpAddress[]> {
  const list = readAddressList(textOf(annotations, ANNOTATION_RENUMBER));
  return list.ok ? list : unparsed(`annotation ${ANNOTATION_RENUMBER}: ${list.reason}`);
}

/** The addresses of somebody else that Berth is to take over. */
export function readAdopt(annotations: Annotations): Parsed<readonly IpAddress[]> {
  const list = readAddressList(textOf(annotations, ANNOTATION_ADOPT));
  return list.ok ? list : unparsed(`annotation ${ANNOTATION_ADOPT}: ${list.reason}`);
}

/** Reads `a, b`: blanks and empty items are skipped, one bad item refuses the whole, duplicates count once. */
export function readAddressList(value: string): Parsed<readonly IpAddress[]> {
  if (value.length > MAX_CHARACTERS) return unparsed(`longer than ${MAX_CHARACTERS} characters`);
  const items = value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (items.length > MAX_ITEMS) return unparsed(`more than ${MAX_ITEMS} addresses`);
  const addresses: IpAddress[] = [];
  for (const item of items) {
    const address = IpAddress.parse(item);
    if (!address.ok) return address;
    if (!addresses.some((known) => known.equals(address.value))) addresses.push(address.value);
  }
  return parsed(addresses);
}

/** Whether two lists hold the same addresses, in any order. */
export function sameAddresses(one: readonly IpAddress[], other: readonly IpAddress[]): boolean {
  return one.length === other.length && one.every((address) => other.some((candidate) => candidate.equals(address)));
}

function agreedValue(annotations: Annotations, name: string): Parsed<string | undefined> {
  const spellings = spellingsOf(annotations, name);
  const [first] = spellings;
  const other = spellings.find(({ value }) => value !== first?.value);
  if (other !== undefined && first !== undefined) {
    const [a, b] = [first, other].map((spelled) => `${spelled.name} is "${spelled.value.slice(0, 64)}"`);
    return unparsed(`annotations contradict each other: ${a}, but ${b}`);
  }
  if (first !== undefined && first.value.length > MAX_CHARACTERS) {
    return unparsed(`annotation ${first.name}: longer than ${MAX_CHARACTERS} characters`);
  }
  return parsed(first?.value);
}

/** The spellings that are set to something other than blanks. */
function spellingsOf(annotations: Annotations, name: string): Spelled[] {
  const spellings = PREFIXES.map((prefix) => ({
    name: prefix + name,
    value: textOf(annotations, prefix + name).trim(),
  }));
  return spellings.filter(({ value }) => value !== '');
}

// The API server only lets texts through; a hand-made object is no reason to stop.
function textOf(annotations: Annotations, name: string): string {
  const value: unknown = Object.hasOwn(annotations, name) ? annotations[name] : undefined;
  return typeof value === 'string' ? value : '';
}
