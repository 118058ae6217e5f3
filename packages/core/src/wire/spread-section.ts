// SPDX-License-Identifier: Apache-2.0
/**
 * The sections by which speakers agree who serves a VIP (docs/design/0040-every-node-serves.md, section 5), since minor
 * version 3: what a node can serve, the sets of the VIPs that it owns, flows that live elsewhere than their hash says,
 * and which of these lists a node has. Each at most once in a frame.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { ByteWriter } from './bytes.ts';
import { FAMILY_CODE, HOLDS_FLAG, SET_FLAG, SPREAD_KIND } from './spread-codes.ts';
import {
  MAX_WEIGHT,
  SERVE_STATES,
  SET_FIXED_BYTES,
  SET_MEMBER_BYTES,
  type SpreadSections,
  VIP_BYTES,
  type WireDigest,
  type WirePart,
  type WireServe,
  type WireSet,
  type WireStanding,
} from './spread-message.ts';

/** Bytes of one entry of {@link SpreadSections.serves}. */
export function serveBytes({ vip }: WireServe): number {
  return 1 + VIP_BYTES[vip.family];
}

/** Bytes of one entry of {@link SpreadSections.sets}. */
export function setBytes({ members, vips }: WireSet): number {
  const addresses = vips.reduce((sum, { family }) => sum + VIP_BYTES[family], 0);
  return SET_FIXED_BYTES + members.length * SET_MEMBER_BYTES + addresses;
}

/** Calls `section` for each section that there is. */
export function writeSpread(
  writer: ByteWriter,
  { serves, sets, strays, digest }: SpreadSections,
  section: (kind: number, write: () => void) => void,
): void {
  if (serves)
    section(SPREAD_KIND.SERVES, () => {
      partHead(writer, serves);
      for (const one of serves.entries) writeServe(writer, one);
    });
  if (sets)
    section(SPREAD_KIND.SETS, () => {
      partHead(writer, sets);
      for (const one of sets.entries) writeSet(writer, one);
    });
  if (strays)
    section(SPREAD_KIND.STRAYS, () => {
      partHead(writer, strays);
      writer.u32(strays.holder);
      for (const fingerprint of strays.fingerprints) {
        writer.u32(Number(fingerprint >> 32n));
        writer.u32(Number(fingerprint & 0xffff_ffffn));
      }
    });
  if (digest) section(SPREAD_KIND.DIGEST, () => writeDigest(writer, digest));
}

function partHead(writer: ByteWriter, { version, index, total }: Omit<WirePart<unknown>, 'entries'>): void {
  writer.u32(version);
  writer.u16(index);
  writer.u16(total);
}

function writeAddress(writer: ByteWriter, address: IpAddress): void {
  writer.u8(FAMILY_CODE[address.family]);
  writer.raw(address.toBytes());
}

function writeServe(writer: ByteWriter, { vip, weight, holds }: WireServe): void {
  writer.u8(Math.min(weight, MAX_WEIGHT) | (holds ? HOLDS_FLAG : 0));
  writeAddress(writer, vip);
}

function writeSet(writer: ByteWriter, set: WireSet): void {
  const { BY_CLIENT, PENDING, PENDING_BY_CLIENT } = SET_FLAG;
  const pending = set.pendingBy === undefined ? 0 : PENDING | (set.pendingBy === 'client' ? PENDING_BY_CLIENT : 0);
  writer.u32(set.version);
  writer.u8((set.by === 'client' ? BY_CLIENT : 0) | pending);
  writer.u8(set.members.length);
  for (const { id, mac, committed, pending: next } of set.members) {
    writer.u32(id);
    writer.raw(mac.toBytes());
    writer.u8(standingCode(committed));
    writer.u8(standingCode(next));
  }
  writer.u8(set.vips.length);
  for (const vip of set.vips) writeAddress(writer, vip);
}

function standingCode(standing: WireStanding | undefined): number {
  return standing ? ((standing.weight - 1) << 4) | (SERVE_STATES.indexOf(standing.state) + 1) : 0;
}

function writeDigest(writer: ByteWriter, { serves, sets, strays, has }: WireDigest): void {
  for (const version of [serves, sets, strays]) writer.u32(version);
  for (const one of has) {
    writer.id64(one.bootId);
    for (const version of [one.sets, one.strays, one.told]) writer.u32(version);
  }
}
