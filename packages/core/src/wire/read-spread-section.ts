// SPDX-License-Identifier: Apache-2.0
/** Reads the sections by which speakers agree who serves a VIP; spread-section.ts writes them. */
import { IpAddress } from '../net/ip-address.ts';
import { MAC_LENGTH_BYTES, MacAddress } from '../net/mac-address.ts';
import { ByteReader } from './bytes.ts';
import { FAMILY_CODE, HOLDS_FLAG, SET_FLAG, SPREAD_KIND, WEIGHT_BITS } from './spread-codes.ts';
import {
  DIGEST_ENTRIES,
  MAX_SET_MEMBERS,
  MAX_WEIGHT,
  SERVE_STATES,
  type SpreadSections,
  STRAYS_A_PART,
  type WireDigest,
  type WireHas,
  type WirePart,
  type WireServe,
  type WireSet,
  type WireSetMember,
  type WireStanding,
  type WireStrays,
} from './spread-message.ts';

const DIGEST_ENTRY_BYTES = 20;

export type SpreadRefusal = 'lying-length' | 'malformed';

/** Reads a section of this kind; undefined where the kind is none of these. */
export function readSpread(
  kind: number,
  value: Uint8Array,
  found: { -readonly [Key in keyof SpreadSections]: SpreadSections[Key] },
): SpreadRefusal | 'read' | undefined {
  const reader = new ByteReader(value);
  switch (kind) {
    case SPREAD_KIND.SERVES:
      return once(found.serves, readPart(reader, readServe), (part) => {
        found.serves = part;
      });
    case SPREAD_KIND.SETS:
      return once(found.sets, readPart(reader, readSet), (part) => {
        found.sets = part;
      });
    case SPREAD_KIND.STRAYS:
      return once(found.strays, readStrays(value), (part) => {
        found.strays = part;
      });
    case SPREAD_KIND.DIGEST:
      return once(found.digest, readDigest(value), (digest) => {
        found.digest = digest;
      });
    default:
      return undefined;
  }
}

function once<Value>(
  before: Value | undefined,
  read: Value | SpreadRefusal,
  keep: (value: Value) => void,
): SpreadRefusal | 'read' {
  if (before !== undefined) return 'malformed';
  if (isRefusal(read)) return read;
  keep(read);
  return 'read';
}

function isRefusal(read: unknown): read is SpreadRefusal {
  return read === 'lying-length' || read === 'malformed';
}

function readPart<Entry extends object>(
  reader: ByteReader,
  read: (reader: ByteReader) => Entry | SpreadRefusal,
): WirePart<Entry> | SpreadRefusal {
  const head = readHead(reader);
  if (isRefusal(head)) return head;
  const entries: Entry[] = [];
  while (!reader.isAtEnd) {
    const entry = read(reader);
    if (isRefusal(entry)) return entry;
    entries.push(entry);
  }
  return { ...head, entries };
}

function readHead(reader: ByteReader): Omit<WirePart<unknown>, 'entries'> | SpreadRefusal {
  const version = reader.u32();
  const index = reader.u16();
  const total = reader.u16();
  if (version === undefined || index === undefined || total === undefined) return 'lying-length';
  return index < total ? { version, index, total } : 'malformed';
}

function readAddress(reader: ByteReader): IpAddress | SpreadRefusal {
  const code = reader.u8();
  if (code === undefined) return 'lying-length';
  if (code !== FAMILY_CODE.IPv4 && code !== FAMILY_CODE.IPv6) return 'malformed';
  return IpAddress.fromBytes(reader.raw(code === FAMILY_CODE.IPv4 ? 4 : 16) ?? new Uint8Array()) ?? 'lying-length';
}

function readServe(reader: ByteReader): WireServe | SpreadRefusal {
  const said = reader.u8() ?? 0;
  const vip = readAddress(reader);
  if (isRefusal(vip)) return vip;
  const weight = said & WEIGHT_BITS;
  return weight > MAX_WEIGHT ? 'malformed' : { vip, weight, holds: (said & HOLDS_FLAG) !== 0 };
}

function readSet(reader: ByteReader): WireSet | SpreadRefusal {
  const version = reader.u32();
  const flags = reader.u8() ?? 0;
  const memberCount = reader.u8();
  if (version === undefined || memberCount === undefined) return 'lying-length';
  if (memberCount > MAX_SET_MEMBERS) return 'malformed';
  const members: WireSetMember[] = [];
  while (members.length < memberCount) {
    const member = readSetMember(reader);
    if (isRefusal(member)) return member;
    members.push(member);
  }
  const vips: IpAddress[] = [];
  for (let left = reader.u8() ?? 0; left > 0; left--) {
    const vip = readAddress(reader);
    if (isRefusal(vip)) return vip;
    vips.push(vip);
  }
  const isPending = (flags & SET_FLAG.PENDING) !== 0;
  return {
    ...{ version, members, vips },
    by: (flags & SET_FLAG.BY_CLIENT) === 0 ? 'flow' : 'client',
    pendingBy: isPending ? ((flags & SET_FLAG.PENDING_BY_CLIENT) === 0 ? 'flow' : 'client') : undefined,
  };
}

function readSetMember(reader: ByteReader): WireSetMember | SpreadRefusal {
  const id = reader.u32();
  const mac = MacAddress.fromBytes(reader.raw(MAC_LENGTH_BYTES) ?? new Uint8Array());
  const committed = readStanding(reader.u8());
  const pending = readStanding(reader.u8());
  if (id === undefined || mac === undefined || isRefusal(committed) || isRefusal(pending)) return 'malformed';
  if (id === 0 || mac.isMulticast || mac.isZero) return 'malformed';
  return { id, mac, committed: committed.standing, pending: pending.standing };
}

function readStanding(code: number | undefined): { readonly standing: WireStanding | undefined } | SpreadRefusal {
  if (code === undefined) return 'malformed';
  if (code === 0) return { standing: undefined };
  const state = SERVE_STATES[(code & WEIGHT_BITS) - 1];
  const weight = (code >> 4) + 1;
  return state === undefined || weight > MAX_WEIGHT ? 'malformed' : { standing: { state, weight } };
}

function readStrays(value: Uint8Array): WireStrays | SpreadRefusal {
  const reader = new ByteReader(value);
  const head = readHead(reader);
  if (isRefusal(head)) return head;
  const holder = reader.u32();
  if (holder === undefined) return 'lying-length';
  const rest = value.subarray(12);
  if (rest.length % 8 !== 0) return 'lying-length';
  if (rest.length / 8 > STRAYS_A_PART || holder === 0) return 'malformed';
  const view = new DataView(rest.buffer, rest.byteOffset, rest.length);
  const fingerprints = BigUint64Array.from({ length: rest.length / 8 }, (_, index) => view.getBigUint64(index * 8));
  return { ...head, holder, fingerprints };
}

function readDigest(value: Uint8Array): WireDigest | SpreadRefusal {
  if (value.length < 12 || (value.length - 12) % DIGEST_ENTRY_BYTES !== 0) return 'lying-length';
  const reader = new ByteReader(value);
  const number = () => reader.u32() ?? 0;
  const head = { serves: number(), sets: number(), strays: number() };
  const has: WireHas[] = [];
  while (!reader.isAtEnd) has.push({ bootId: reader.id64() ?? '', sets: number(), strays: number(), told: number() });
  return has.length > DIGEST_ENTRIES ? 'malformed' : { ...head, has };
}
