// SPDX-License-Identifier: Apache-2.0
/**
 * One entry of the ledger as text: the key of an address and the JSON of its record. An entry may have been edited by
 * hand, so reading it never throws.
 */
import * as z from 'zod/mini';
import { notEmpty } from '../config/not-empty.ts';
import { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import { type Parsed, parsed, unparsed } from '../net/parsed.ts';
import type { AddressRecord, Holder } from './address-record.ts';
import type { Quarantine } from './quarantine.ts';

/** End of the year 9999, in milliseconds since the epoch: the last time that an entry can say. */
const LAST_MS = Date.UTC(10_000, 0) - 1;

const serviceKey = z.string().check(z.regex(/^[^/\s]{1,253}\/[^/\s]{1,253}$/));

const share = z.object({
  key: z.string().check(notEmpty()),
  ports: z.array(z.string()),
  local: z.optional(z.string()),
});

const holder = z.object({ name: serviceKey, request: z._default(z.string(), ''), share: z.optional(share) });

const quarantine = z.object({
  mac: z.string(),
  node: z.string().check(z.minLength(1), z.maxLength(253)),
  interface: z.string().check(z.maxLength(64)),
  since: z.iso.datetime(),
  /** Users that a newer version knows count as strangers. */
  user: z.optional(z.string()),
});

const entrySchema = z
  .object({
    /** The pool of the address when it was given. */
    pool: z._default(z.string(), ''),
    /** Who holds it, the first one in front. */
    services: z._default(z.array(holder), []),
    /** Who held it last, when no one does, and until when it rests. */
    former: z.optional(z.object({ name: serviceKey, restsUntil: z.optional(z.iso.datetime()) })),
    /** Who else uses it, by which node's word and since when. */
    quarantine: z.optional(quarantine),
  })
  .check(
    z.refine(
      ({ services, former, quarantine }) => services.length > 0 || former !== undefined || quarantine !== undefined,
      'neither services nor former nor quarantine',
    ),
  );

type Entry = z.output<typeof entrySchema>;

/** The key of an address: IPv6 with dashes for colons, since a key of a ConfigMap cannot have colons. */
export function entryKeyOf(address: IpAddress): string {
  return address.toString().replaceAll(':', '-');
}

/** Bytes of a text in UTF-8 as the API server counts them, or a little more. */
export function bytesOf(text: string): number {
  return text.length * (/^[\x20-\x7e]*$/.test(text) ? 1 : 3);
}

/** Bytes of one holder in its entry, or a little more. */
export function holderBytes(holder: Holder): number {
  return bytesOf(JSON.stringify(encodeHolder(holder))) + 1;
}

/** The text of a record. Fields with nothing to say are left out, so most entries are short. */
export function encodeRecord({ pool, holders, former, quarantine }: AddressRecord): string {
  return JSON.stringify({
    pool,
    services: holders.length === 0 ? undefined : holders.map(encodeHolder),
    former: former && {
      name: former.service,
      restsUntil:
        former.restsUntilMs === 0 ? undefined : new Date(Math.min(former.restsUntilMs, LAST_MS)).toISOString(),
    },
    quarantine: quarantine && {
      mac: quarantine.mac.toString(),
      node: quarantine.node,
      interface: quarantine.interface,
      since: new Date(quarantine.sinceMs).toISOString(),
      user: quarantine.user,
    },
  });
}

/**
 * Reads an entry. Refused: a key that is not the canonical one of its address, text that is not JSON, a wrong shape.
 */
export function decodeRecord(key: string, text: string): Parsed<AddressRecord> {
  const address = IpAddress.parse(key.includes('.') ? key : key.replaceAll('-', ':'));
  if (!address.ok) return unparsed(`key "${key}" is no address`);
  if (entryKeyOf(address.value) !== key) return unparsed(`key "${key}" should be "${entryKeyOf(address.value)}"`);
  const json = parseJson(text);
  if (json === undefined) return unparsed(`"${text.slice(0, 40)}" is not JSON`);
  const entry = entrySchema.safeParse(json);
  if (entry.success) return readEntry(address.value, entry.data);
  const [issue] = entry.error.issues;
  return unparsed(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unknown shape'}`);
}

function encodeHolder({ service, poolRequest, terms }: Holder): unknown {
  return {
    name: service,
    request: poolRequest === '' ? undefined : poolRequest,
    share: terms && { key: terms.key, ports: terms.ports, local: terms.localSelector },
  };
}

function readEntry(address: IpAddress, entry: Entry): Parsed<AddressRecord> {
  const { pool, services, former } = entry;
  const mac = entry.quarantine && MacAddress.parse(entry.quarantine.mac);
  if (mac?.ok === false) return unparsed(`quarantine.mac: ${mac.reason}`);
  const holders = new Map<string, Holder>();
  for (const { name, request, share } of services) {
    const terms = share && { key: share.key, ports: share.ports, localSelector: share.local };
    if (!holders.has(name)) holders.set(name, { service: name, poolRequest: request, terms });
  }
  const isHeld = holders.size > 0 || former === undefined;
  return parsed({
    address,
    pool,
    holders: [...holders.values()],
    former: isHeld ? undefined : { service: former.name, restsUntilMs: Date.parse(former.restsUntil ?? '') || 0 },
    quarantine: entry.quarantine &&
      mac && {
        mac: mac.value,
        node: entry.quarantine.node,
        interface: entry.quarantine.interface,
        sinceMs: Date.parse(entry.quarantine.since),
        ...userOf(entry.quarantine.user),
      },
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function userOf(text: string | undefined): Partial<Pick<Quarantine, 'user'>> {
  return text === 'node' || text === 'gateway' || text === 'subnet' ? { user: text } : {};
}
