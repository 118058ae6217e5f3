// SPDX-License-Identifier: Apache-2.0
/** Writes the sections of a heartbeat. */
import type { ByteWriter } from './bytes.ts';
import { type HeartbeatSections, type ListPart, MAX_YIELD, type Suspect, type WireClaim } from './heartbeat-section.ts';
import { FAMILY_CODE, KIND, STANDING_FLAG } from './section-codes.ts';
import { writeSpread } from './spread-section.ts';

/** Appends every section that has something to say; an empty list is said too, since it means "I own nothing". */
export function writeSections(writer: ByteWriter, sections: HeartbeatSections): void {
  const { claims, view } = sections;
  if (claims) section(writer, KIND.CLAIMS, () => part(writer, claims, (entry) => claim(writer, entry)));
  if (claims?.entries.some(isSpecial))
    section(writer, KIND.STANDINGS, () => {
      for (const entry of claims.entries) standing(writer, entry);
    });
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
  if (sections.spread) writeSpread(writer, sections.spread, (kind, write) => section(writer, kind, write));
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

function isSpecial({ term, yieldsTo, isWeak, isFresh }: WireClaim): boolean {
  return isWeak === true || isFresh === true || (yieldsTo !== undefined && yieldsTo < term);
}

function standing(writer: ByteWriter, { term, yieldsTo, isWeak, isFresh }: WireClaim): void {
  writer.u8((isWeak ? STANDING_FLAG.WEAK : 0) | (isFresh ? STANDING_FLAG.FRESH : 0));
  writer.u8(Math.min(term - (yieldsTo ?? term), MAX_YIELD));
}

function suspect(writer: ByteWriter, one: Suspect): void {
  writer.id64(one.bootId);
  writer.u48(one.counter);
}
