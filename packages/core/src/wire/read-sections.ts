// SPDX-License-Identifier: Apache-2.0
/** Reads the sections of a heartbeat. */
import { IpAddress } from '../net/ip-address.ts';
import { ByteReader } from './bytes.ts';
import type { HeartbeatSections, ListPart, Offer, Suspect, Vouch, WireClaim } from './heartbeat-section.ts';
import { readSpread } from './read-spread-section.ts';
import { FAMILY_CODE, KIND, SPREAD_SINCE_MINOR, STANDING_FLAG, STANDINGS_SINCE_MINOR } from './section-codes.ts';
import type { SpreadSections } from './spread-message.ts';

export type SectionsDecoded =
  | { readonly ok: true; readonly sections: HeartbeatSections }
  | { readonly ok: false; readonly reason: 'lying-length' | 'malformed' };

/**
 * Reads sections of a frame of this minor version until the bytes end. No length is believed: every entry is read from
 * the bytes that are there.
 */
export function readSections(reader: ByteReader, minor: number): SectionsDecoded {
  const found: Found = { wants: [], suspects: [], vouches: [], offers: [] };
  const spread: SpreadSections = {};
  while (!reader.isAtEnd) {
    const kind = reader.u8();
    reader.u8();
    const length = reader.u16();
    const value = length === undefined ? undefined : reader.raw(length);
    if (kind === undefined || value === undefined) return { ok: false, reason: 'lying-length' };
    const about = minor >= SPREAD_SINCE_MINOR ? readSpread(kind, value, spread) : undefined;
    const reason = about === 'read' ? undefined : (about ?? readSection(kind, new ByteReader(value), found));
    if (reason) return { ok: false, reason };
  }
  const { standings, ...said } = found;
  const sections = Object.keys(spread).length > 0 ? { ...said, spread } : said;
  if (minor < STANDINGS_SINCE_MINOR) return { ok: true, sections };
  const { claims } = sections;
  if (!claims) return { ok: true, sections };
  if (standings && standings.length !== claims.entries.length) return { ok: false, reason: 'malformed' };
  const entries = claims.entries.map((entry, index) => withStanding(entry, standings?.[index]));
  return { ok: true, sections: { ...sections, claims: { ...claims, entries } } };
}

interface Standing {
  readonly flags: number;
  readonly back: number;
}

interface Found {
  claims?: ListPart<WireClaim>;
  view?: ListPart<string>;
  readonly wants: string[];
  readonly suspects: Suspect[];
  readonly vouches: Vouch[];
  readonly offers: Offer[];
  standings?: Standing[];
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
    case KIND.STANDINGS:
      if (found.standings) return 'malformed';
      found.standings = [];
      return readEach(reader, readStanding, found.standings);
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

function readStanding(reader: ByteReader): Standing | undefined {
  const flags = reader.u8();
  const back = reader.u8();
  return flags === undefined || back === undefined ? undefined : { flags, back };
}

function withStanding({ vip, term }: WireClaim, found: Standing | undefined): WireClaim {
  if (found === undefined || (found.flags === 0 && found.back === 0)) return { vip, term, yieldsTo: term };
  const { flags, back } = found;
  return {
    ...{ vip, term, yieldsTo: Math.max(1, term - back) },
    ...{ isWeak: (flags & STANDING_FLAG.WEAK) !== 0, isFresh: (flags & STANDING_FLAG.FRESH) !== 0 },
  };
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
