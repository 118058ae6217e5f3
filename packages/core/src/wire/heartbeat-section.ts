// SPDX-License-Identifier: Apache-2.0
/**
 * The sections of a heartbeat: kind (1 byte), reserved (1 byte, zero), length of the value in bytes (2 bytes), value. A kind that is
 * not known is skipped, so that a newer speaker may add one. A kind may occur several times; its entries add up, but for the
 * lists, of which a frame carries one part at most.
 */
import { IpAddress } from '../net/ip-address.ts';
import type { ByteWriter } from './bytes.ts';
import { ByteReader } from './bytes.ts';

const KIND = { CLAIMS: 1, VIEW: 2, WANTS: 3, SUSPECTS: 4, VOUCHES: 5, OFFERS: 6 } as const;

/** Section header, in bytes. */
export const SECTION_HEADER_BYTES = 4;

/** Entries in bytes: the address family as a byte (4 or 6), the address, a term of 32 bits. */
export const CLAIM_BYTES = { IPv4: 9, IPv6: 21 } as const;
export const BOOT_ID_BYTES = 8;

const FAMILY_CODE = { IPv4: 4, IPv6: 6 } as const;

/** One part of a list that may need several frames; the list is known when all parts of one version are. */
export interface ListPart<Entry> {
  readonly version: number;
  /** 0 to `total` - 1. */
  readonly index: number;
  readonly total: number;
  readonly entries: readonly Entry[];
}

/** "I own this VIP." */
export interface WireClaim {
  readonly vip: IpAddress;
  readonly term: number;
}

/** "I have not heard this member since its frame with this counter." */
export interface Suspect {
  readonly bootId: string;
  readonly counter: number;
}

/** "I heard this member's frame with this counter so long ago." */
export interface Vouch extends Suspect {
  readonly ageMs: number;
}

/** "Take this VIP, which I own with this term." */
export interface Offer extends WireClaim {
  /** Boot id of the member that should take it. */
  readonly to: string;
}

/** What a heartbeat may carry behind its header. */
export interface HeartbeatSections {
  readonly claims?: ListPart<WireClaim> | undefined;
  /** Boot ids of all members that the sender hears. */
  readonly view?: ListPart<string> | undefined;
  /** Boot ids of members whose lists the sender lacks. */
  readonly wants?: readonly string[] | undefined;
  readonly suspects?: readonly Suspect[] | undefined;
  readonly vouches?: readonly Vouch[] | undefined;
  readonly offers?: readonly Offer[] | undefined;
}

export type SectionsDecoded =
  | { readonly ok: true; readonly sections: HeartbeatSections }
  | { readonly ok: false; readonly reason: 'lying-length' | 'malformed' };

/** Appends every section that has something to say; an empty list is said too, since it means "I own nothing". */
export function writeSections(writer: ByteWriter, sections: HeartbeatSections): void {
  const { claims, view } = sections;
  if (claims) section(writer, KIND.CLAIMS, () => part(writer, claims, (entry) => claim(writer, entry)));
  if (view) section(writer, KIND.VIEW, () => part(writer, view, (bootId) => writer.id64(bootId)));
  each(writer, KIND.WANTS, sections.wants, (bootId) => writer.id64(bootId));
  each(writer, KIND.SUSPECTS, sections.suspects, (one) => suspect(writer, one));
  each(writer, KIND.VOUCHES, sections.vouches, (one) => {
    suspect(writer, one);
    writer.u16(one.ageMs);
  });
  each(writer, KIND.OFFERS, sections.offers, (one) => {
    writer.id64(one.to);
    claim(writer, one);
  });
}

/** Reads sections until the bytes end. No length is believed: every entry is read from the bytes that are there. */
export function readSections(reader: ByteReader): SectionsDecoded {
  const found: Found = { wants: [], suspects: [], vouches: [], offers: [] };
  while (!reader.isAtEnd) {
    const kind = reader.u8();
    reader.u8();
    const length = reader.u16();
    const value = length === undefined ? undefined : reader.raw(length);
    if (kind === undefined || value === undefined) return { ok: false, reason: 'lying-length' };
    const reason = readSection(kind, new ByteReader(value), found);
    if (reason) return { ok: false, reason };
  }
  return { ok: true, sections: found };
}

interface Found {
  claims?: ListPart<WireClaim>;
  view?: ListPart<string>;
  readonly wants: string[];
  readonly suspects: Suspect[];
  readonly vouches: Vouch[];
  readonly offers: Offer[];
}

type Refusal = 'lying-length' | 'malformed' | undefined;

function readSection(kind: number, reader: ByteReader, found: Found): Refusal {
  switch (kind) {
    case KIND.CLAIMS:
      if (found.claims) return 'malformed';
      return readPart(reader, readClaim, (list) => {
        found.claims = list;
      });
    case KIND.VIEW:
      if (found.view) return 'malformed';
      return readPart(reader, readBootId, (list) => {
        found.view = list;
      });
    case KIND.WANTS:
      return readEach(reader, readBootId, found.wants);
    case KIND.SUSPECTS:
      return readEach(reader, readSuspect, found.suspects);
    case KIND.VOUCHES:
      return readEach(reader, readVouch, found.vouches);
    case KIND.OFFERS:
      return readEach(reader, readOffer, found.offers);
    default:
      return undefined;
  }
}

type Read<Entry> = (reader: ByteReader) => Entry | 'malformed' | undefined;

function readEach<Entry>(reader: ByteReader, read: Read<Entry>, into: Entry[]): Refusal {
  while (!reader.isAtEnd) {
    const entry = read(reader);
    if (entry === undefined) return 'lying-length';
    if (entry === 'malformed') return 'malformed';
    into.push(entry);
  }
  return undefined;
}

function readPart<Entry>(reader: ByteReader, read: Read<Entry>, keep: (list: ListPart<Entry>) => void): Refusal {
  const version = reader.u32();
  const index = reader.u16();
  const total = reader.u16();
  if (version === undefined || index === undefined || total === undefined) return 'lying-length';
  if (index >= total) return 'malformed';
  const entries: Entry[] = [];
  const refusal = readEach(reader, read, entries);
  if (!refusal) keep({ version, index, total, entries });
  return refusal;
}

// Any text is a boot id, so the word that means "malformed" cannot be one of 16 hex digits.
function readBootId(reader: ByteReader): string | undefined {
  return reader.id64();
}

function readClaim(reader: ByteReader): WireClaim | 'malformed' | undefined {
  const code = reader.u8();
  if (code !== FAMILY_CODE.IPv4 && code !== FAMILY_CODE.IPv6) return 'malformed';
  const vip = IpAddress.fromBytes(reader.raw(code === FAMILY_CODE.IPv4 ? 4 : 16) ?? new Uint8Array());
  const term = reader.u32();
  if (vip === undefined || term === undefined) return undefined;
  return term === 0 ? 'malformed' : { vip, term };
}

function readSuspect(reader: ByteReader): Suspect | undefined {
  const bootId = reader.id64();
  const counter = reader.u48();
  return bootId === undefined || counter === undefined ? undefined : { bootId, counter };
}

function readVouch(reader: ByteReader): Vouch | undefined {
  const who = readSuspect(reader);
  const ageMs = reader.u16();
  return who === undefined || ageMs === undefined ? undefined : { ...who, ageMs };
}

function readOffer(reader: ByteReader): Offer | 'malformed' | undefined {
  const to = reader.id64();
  if (to === undefined) return undefined;
  const offered = readClaim(reader);
  return offered === undefined || offered === 'malformed' ? offered : { to, ...offered };
}

function each<Entry>(
  writer: ByteWriter,
  kind: number,
  entries: readonly Entry[] | undefined,
  write: (entry: Entry) => void,
): void {
  if (entries && entries.length > 0) section(writer, kind, () => entries.forEach(write));
}

function section(writer: ByteWriter, kind: number, write: () => void): void {
  writer.u8(kind);
  writer.u8(0);
  const at = writer.length;
  writer.u16(0);
  write();
  writer.patchU16(at, writer.length - at - 2);
}

function part<Entry>(writer: ByteWriter, list: ListPart<Entry>, write: (entry: Entry) => void): void {
  writer.u32(list.version);
  writer.u16(list.index);
  writer.u16(list.total);
  list.entries.forEach(write);
}

function claim(writer: ByteWriter, { vip, term }: WireClaim): void {
  writer.u8(FAMILY_CODE[vip.family]);
  writer.raw(vip.toBytes());
  writer.u32(term);
}

function suspect(writer: ByteWriter, one: Suspect): void {
  writer.id64(one.bootId);
  writer.u48(one.counter);
}
