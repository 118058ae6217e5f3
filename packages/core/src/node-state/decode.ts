// SPDX-License-Identifier: Apache-2.0
/** Reads a node's state from an annotation, which anybody with rights on Leases may have written: bounded, and nothing throws. */
import { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import { type Parsed, parsed, unparsed } from '../net/parsed.ts';
import { HEARTBEAT_PHASES } from '../wire/heartbeat.ts';
import { MAX_REMARKS, NODE_STATE_VERSION } from './encode.ts';
import { countOf, everyOf, listOf, objectOf, oneOf, readJson, textOf } from './json-fields.ts';
import type {
  AddressConflict,
  CheckReport,
  HeardVip,
  MemberState,
  NodeHealth,
  NodeState,
  NotAnnounced,
  OrderOutcome,
  OwnedState,
  SegmentState,
  UnreachableVip,
} from './node-state.ts';
import { decodeVipRows } from './vip-rows.ts';

/** What the API server takes as annotations of one object. */
const MAX_CHARACTERS = 256 * 1024;
const MAX_WORD_CHARACTERS = 64;
const MAX_SEGMENTS = 64;
/** As many members as a speaker keeps of one segment. */
const MAX_MEMBERS = 800;
const MAX_NAMES_CHARACTERS = MAX_MEMBERS * 254;
const MAX_GROUPS = 4096;
const MAX_VIPS = 50_000;
const BOOT_ID = /^[0-9a-f]{16}$/;
const NODE_NAME = /^[a-z0-9][a-z0-9.-]{0,252}$/;
const FAMILIES = ['IPv4', 'IPv6'] as const;
const OWNED_REASONS = ['new', 'orphaned', 'left-over', 'handed-over'] as const;
const UNREACHABLE_REASONS = ['no-answer', 'wrong-answer', 'several-answers'] as const;
const NOT_ANNOUNCED_REASONS = [
  'probing',
  'conflict',
  'no-interface',
  'no-segment',
  'not-selected',
  'no-endpoint',
  'not-eligible',
] as const;
const MOVE_REFUSALS = ['not-heard', 'not-a-candidate', 'not-taken'] as const;

/** Refused, with the part that is wrong: text that is too long or no JSON, another version, a part of another shape. */
export function decodeNodeState(text: string): Parsed<NodeState> {
  const json = objectOf(readJson(text, MAX_CHARACTERS));
  if (json === undefined) return unparsed('node state: not a JSON object of at most 256 KiB');
  const { v, bootId, engine, transport, keys, ineligible, segments, owned, leftOut } = json;
  const { conflicts, unreachable, notAnnounced, orders, tested, check } = json;
  if (v !== NODE_STATE_VERSION) return unparsed(`node state: version is not ${NODE_STATE_VERSION}`);
  const parts = {
    bootId: matching(textOf(bootId, MAX_WORD_CHARACTERS), BOOT_ID),
    engine: textOf(engine, MAX_WORD_CHARACTERS),
    transport: textOf(transport, MAX_WORD_CHARACTERS),
    keys: keysOf(keys),
    ineligible: textOf(ineligible ?? '', MAX_WORD_CHARACTERS),
    fitness: oneOf(json.fitness ?? 'fit', ['fit', 'unfit']),
    segments: everyOf(listOf(segments, MAX_SEGMENTS), segmentOf),
    owned: everyOf(listOf(owned, MAX_GROUPS), ownedOf)?.flat(),
    leftOut: countOf(leftOut ?? 0),
    conflicts: everyOf(listOf(conflicts, MAX_REMARKS), conflictOf),
    unreachable: everyOf(listOf(unreachable, MAX_REMARKS), unreachableOf),
    notAnnounced: everyOf(listOf(notAnnounced, MAX_GROUPS), notAnnouncedOf)?.flat(),
    orders: everyOf(listOf(orders, MAX_REMARKS), orderOf),
  };
  // A state without these says nothing about them.
  const [testedSeconds, report] = [countOf(tested), checkOf(check)];
  const extras = { ...(testedSeconds !== undefined && { testedSeconds }), ...(report && { check: report }) };
  return isWhole(parts)
    ? parsed({ ...parts, ...extras })
    : unparsed(`node state: ${firstMissing(parts)} has another shape`);
}

/** Nothing is known of a node whose text cannot be read. */
export function decodeNodeHealth(text: string | undefined): NodeHealth | undefined {
  const json = objectOf(readJson(text ?? '', MAX_CHARACTERS));
  if (json === undefined) return undefined;
  const { latestMs, lapses } = json;
  const read = { latestMs: countOf(latestMs), lapses: countOf(lapses) };
  return read.latestMs === undefined || read.lapses === undefined
    ? undefined
    : { latestMs: read.latestMs, lapses: read.lapses };
}

function matching(text: string | undefined, pattern: RegExp): string | undefined {
  return text !== undefined && pattern.test(text) ? text : undefined;
}

type Parts = { readonly [Key in keyof NodeState]: NodeState[Key] | undefined };

function isWhole(parts: Parts): parts is NodeState {
  return firstMissing(parts) === undefined;
}

function firstMissing(parts: Parts): string | undefined {
  return Object.entries(parts).find(([, value]) => value === undefined)?.[0];
}

function keysOf(value: unknown): NodeState['keys'] | undefined {
  const [newest, signing] = listOf(value, 8) ?? [];
  const read = {
    newest: textOf(newest ?? '', MAX_WORD_CHARACTERS),
    signing: textOf(signing ?? '', MAX_WORD_CHARACTERS),
  };
  return read.newest === undefined || read.signing === undefined
    ? undefined
    : { newest: read.newest, signing: read.signing };
}

function segmentOf(value: unknown): SegmentState | undefined {
  const [ifname, mac, phase, both, oneWay] = listOf(value, 8) ?? [];
  const known = textOf(ifname, MAX_WORD_CHARACTERS);
  const read = { mac: macOf(mac), phase: oneOf(phase, HEARTBEAT_PHASES) };
  const heard = membersOf(both, 'both');
  const halfHeard = membersOf(oneWay, 'one-way');
  if (known === undefined || !read.mac || !read.phase || !heard || !halfHeard) return undefined;
  return { interface: known, mac: read.mac, phase: read.phase, members: [...heard, ...halfHeard] };
}

function membersOf(value: unknown, hearing: MemberState['hearing']): MemberState[] | undefined {
  const text = textOf(value, MAX_NAMES_CHARACTERS);
  if (text === undefined) return undefined;
  const names = text === '' ? [] : text.split(' ', MAX_MEMBERS + 1);
  if (names.length > MAX_MEMBERS || !names.every((name) => NODE_NAME.test(name))) return undefined;
  return names.map((node) => ({ node, hearing }));
}

function ownedOf(value: unknown): OwnedState[] | undefined {
  const [ifname, why, family, since, rows] = listOf(value, 8) ?? [];
  const known = textOf(ifname, MAX_WORD_CHARACTERS);
  const reason = textOf(why, MAX_WORD_CHARACTERS);
  const start = countOf(since);
  const vips = vipsOf(rows, family, 2);
  if (known === undefined || reason === undefined || start === undefined || !vips) return undefined;
  return vips.map(({ vip, numbers: [term = 0, age = 0] }) => ({
    ...{ vip, interface: known, term, sinceSeconds: start + age },
    why: oneOf(reason, OWNED_REASONS) ?? 'unknown',
  }));
}

// Reasons that only newer speakers have mean nothing here and are left out.
function notAnnouncedOf(value: unknown): NotAnnounced[] | undefined {
  const [why, family, rows] = listOf(value, 8) ?? [];
  const reason = oneOf(why, NOT_ANNOUNCED_REASONS);
  const vips = vipsOf(rows, family, 0);
  return reason === undefined ? [] : vips?.map(({ vip }) => ({ vip, why: reason }));
}

function conflictOf(value: unknown): AddressConflict | undefined {
  const [vip, ifname, mac, since, kind] = listOf(value, 8) ?? [];
  const read = { vip: ipOf(vip), mac: macOf(mac), since: countOf(since), kind: oneOf(kind, ['before-use', 'in-use']) };
  const known = textOf(ifname, MAX_WORD_CHARACTERS);
  if (!read.vip || !read.mac || read.since === undefined || !read.kind || known === undefined) return undefined;
  return { vip: read.vip, interface: known, mac: read.mac, sinceSeconds: read.since, kind: read.kind };
}

function unreachableOf(value: unknown): UnreachableVip | undefined {
  const [vip, ifname, why, macs, since] = listOf(value, 8) ?? [];
  const read = { vip: ipOf(vip), why: oneOf(why, UNREACHABLE_REASONS), since: countOf(since) };
  const known = textOf(ifname, MAX_WORD_CHARACTERS);
  const answers = everyOf(listOf(macs, MAX_REMARKS), macOf);
  if (!read.vip || !read.why || read.since === undefined || known === undefined || !answers) return undefined;
  return { vip: read.vip, interface: known, why: read.why, macs: answers, sinceSeconds: read.since };
}

function checkOf(value: unknown): CheckReport | undefined {
  const [id, asked, right, rows] = listOf(value, 8) ?? [];
  const read = { id: textOf(id, MAX_WORD_CHARACTERS), asked: countOf(asked), right: countOf(right) };
  const heard = everyOf(listOf(rows, MAX_REMARKS), heardOf);
  if (read.id === undefined || read.asked === undefined || read.right === undefined || !heard) return undefined;
  return { id: read.id, asked: read.asked, right: read.right, heard };
}

function heardOf(value: unknown): HeardVip | undefined {
  const [vip, ifname, node, mac, macs] = listOf(value, 8) ?? [];
  const read = { vip: ipOf(vip), ifname: textOf(ifname, MAX_WORD_CHARACTERS), mac: macOf(mac) };
  const name = matching(textOf(node, MAX_NAMES_CHARACTERS), NODE_NAME);
  const answers = everyOf(listOf(macs, MAX_REMARKS), macOf);
  if (!read.vip || read.ifname === undefined || !answers) return undefined;
  const owner = name !== undefined && read.mac ? { node: name, mac: read.mac } : undefined;
  return { vip: read.vip, interface: read.ifname, owner, macs: answers };
}

function orderOf(value: unknown): OrderOutcome | undefined {
  const [id, outcome, why] = listOf(value, 8) ?? [];
  const known = textOf(id, MAX_WORD_CHARACTERS);
  const became = oneOf(outcome, ['begun', 'done', 'refused']);
  if (known === undefined || !became) return undefined;
  return { id: known, outcome: became, why: oneOf(why, MOVE_REFUSALS) };
}

function vipsOf(rows: unknown, family: unknown, columns: number) {
  const text = textOf(rows, MAX_CHARACTERS);
  const known = oneOf(family, FAMILIES);
  if (text === undefined || known === undefined) return undefined;
  return decodeVipRows(text, { family: known, columns, maxRows: MAX_VIPS });
}

function ipOf(value: unknown): IpAddress | undefined {
  const address = IpAddress.parse(textOf(value, MAX_WORD_CHARACTERS) ?? '');
  return address.ok ? address.value : undefined;
}

function macOf(value: unknown): MacAddress | undefined {
  const address = MacAddress.parse(textOf(value, MAX_WORD_CHARACTERS) ?? '');
  return address.ok ? address.value : undefined;
}
