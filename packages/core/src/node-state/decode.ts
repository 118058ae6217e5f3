// SPDX-License-Identifier: Apache-2.0
/**
 * Reads a node's state from an annotation, which anybody with rights on Leases may have written: bounded, and nothing
 * throws.
 */
import { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import { type Parsed, parsed, unparsed } from '../net/parsed.ts';
import { HEARTBEAT_PHASES } from '../wire/heartbeat.ts';
import { FOR_OTHERS, MAX_REMARKS, NODE_STATE_VERSION } from './encode.ts';
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
import { decodeServing } from './serving.ts';
import { decodeStandings } from './standing.ts';
import { decodeMoves } from './succession.ts';
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
/** The end of the year 9999: what a Date, and RFC 3339, tell in four digits. */
const LAST_SECONDS = 253_402_300_799;
const FAMILIES = ['IPv4', 'IPv6'] as const;
const OWNED_REASONS = ['new', 'orphaned', 'left-over', 'handed-over'] as const;
const UNREACHABLE_REASONS = ['no-answer', 'wrong-answer', 'several-answers'] as const;
const NOT_ANNOUNCED_REASONS = [
  'probing',
  'conflict',
  'own-address',
  'no-interface',
  'no-segment',
  'same-segment',
  'not-attached',
  'no-room',
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
  const { conflicts, unreachable, notAnnounced, orders, tested, check, standings } = json;
  if (v !== NODE_STATE_VERSION) return unparsed(`node state: version is not ${NODE_STATE_VERSION}`);
  const parts = {
    bootId: matching(textOf(bootId, MAX_WORD_CHARACTERS), BOOT_ID),
    engine: textOf(engine, MAX_WORD_CHARACTERS),
    transport: textOf(transport, MAX_WORD_CHARACTERS),
    keys: keysOf(keys),
    ineligible: textOf(ineligible ?? '', MAX_WORD_CHARACTERS),
    fitness: oneOf(json.fitness ?? 'fit', ['fit', 'unfit']),
    segments: everyOf(listOf(segments, MAX_SEGMENTS), segmentOf),
    owned: ownedIn(listOf(owned, MAX_GROUPS), listOf(standings, MAX_GROUPS)),
    leftOut: countOf(leftOut ?? 0),
    conflicts: everyOf(listOf(conflicts, MAX_REMARKS), conflictOf),
    unreachable: everyOf(listOf(unreachable, MAX_REMARKS), unreachableOf),
    notAnnounced: everyOf(listOf(notAnnounced, MAX_GROUPS), notAnnouncedOf)?.flat(),
    orders: everyOf(listOf(orders, MAX_REMARKS), orderOf),
  };
  // A state without these says nothing about them.
  const [testedSeconds, report] = [secondsOf(tested), checkOf(check)];
  const serving = decodeServing(json.serving) ?? [];
  const extras = {
    ...(testedSeconds !== undefined && { testedSeconds }),
    ...(report && { check: report }),
    ...(serving.length > 0 && { serving }),
  };
  return isWhole(parts)
    ? parsed({ ...parts, ...extras })
    : unparsed(`node state: ${firstMissing(parts)} has another shape`);
}

/** Whether the API server would take it as the name of a node. */
export function isNodeName(text: string): boolean {
  return NODE_NAME.test(text);
}

/**
 * The node that a Lease is of: its holder, which whoever may write Leases chooses; where that is no name of a node, by
 * the name of the Lease.
 */
export function nodeOfLease(holder: string | undefined, leaseName: string): string {
  return holder !== undefined && isNodeName(holder) ? holder : leaseName.replace(/^node-/, '');
}

/** Nothing is known of a node whose text cannot be read. */
export function decodeNodeHealth(text: string | undefined): NodeHealth | undefined {
  const json = objectOf(readJson(text ?? '', MAX_CHARACTERS));
  if (json === undefined) return undefined;
  const { latestMs, lapses } = json;
  const read = { latestMs: countOf(latestMs), lapses: countOf(lapses) };
  const [forwarded, strays] = (everyOf(listOf(json.spread, 8), countOf) ?? []).slice(0, 2);
  return read.latestMs === undefined || read.lapses === undefined
    ? undefined
    : {
        ...{ latestMs: read.latestMs, lapses: read.lapses },
        ...(forwarded !== undefined && strays !== undefined && { spread: { forwarded, strays } }),
      };
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
  const [ifname, mac, phase, both, oneWay, lost, contact, answer, udp, unicast, notReached] = listOf(value, 16) ?? [];
  const known = textOf(ifname, MAX_WORD_CHARACTERS);
  const read = { mac: macOf(mac), phase: oneOf(phase, HEARTBEAT_PHASES) };
  const heard = membersOf(both, 'both');
  const halfHeard = membersOf(oneWay, 'one-way');
  const unheard = membersOf(lost ?? '', 'lost');
  if (known === undefined || !read.mac || !read.phase || !heard || !halfHeard || !unheard) return undefined;
  const ways = waysOf(udp, unicast);
  const missed = namesOf(notReached ?? '');
  if (!ways || !missed) return undefined;
  const members = [...heard, ...halfHeard, ...unheard].map((one) => {
    const way = ways.get(one.node);
    return way ? { ...one, way } : one;
  });
  const isCutOff = oneOf(contact, ['cut-off']) !== undefined;
  const [by, others] = textOf(answer, MAX_WORD_CHARACTERS)?.split(' ', 2) ?? [];
  const word = oneOf(by, ['engine', 'thread', 'behind', 'none']);
  return {
    ...{ interface: known, mac: read.mac, phase: read.phase, members },
    ...(isCutOff && { contact: 'cut-off' }),
    ...(word && { answer: word }),
    ...(missed.length > 0 && { notReached: missed }),
    ...(others === FOR_OTHERS && { answersForOthers: true }),
  };
}

function waysOf(udp: unknown, unicast: unknown): Map<string, NonNullable<MemberState['way']>> | undefined {
  const [byUdp, byUnicast] = [membersOf(udp ?? '', 'both'), membersOf(unicast ?? '', 'both')];
  if (!byUdp || !byUnicast) return undefined;
  return new Map([
    ...byUnicast.map(({ node }) => [node, 'unicast'] as const),
    ...byUdp.map(({ node }) => [node, 'udp'] as const),
  ]);
}

/** Seconds since 1970 that people can be told. */
function secondsOf(value: unknown): number | undefined {
  const seconds = countOf(value);
  return seconds !== undefined && seconds <= LAST_SECONDS ? seconds : undefined;
}

function membersOf(value: unknown, hearing: MemberState['hearing']): MemberState[] | undefined {
  return namesOf(value)?.map((node) => ({ node, hearing }));
}

function namesOf(value: unknown): string[] | undefined {
  const text = textOf(value, MAX_NAMES_CHARACTERS);
  if (text === undefined) return undefined;
  const names = text === '' ? [] : text.split(' ', MAX_MEMBERS + 1);
  if (names.length > MAX_MEMBERS || !names.every((name) => NODE_NAME.test(name))) return undefined;
  return names;
}

function ownedIn(groups: readonly unknown[] | undefined, standings: readonly unknown[] = []): OwnedState[] | undefined {
  const read = everyOf(groups, ownedOf);
  return read?.flatMap((rows, index) => {
    const found = decodeStandings(
      standings[index],
      rows.map(({ term }) => term),
    );
    return rows.map((row, number) => {
      const standing = found[number];
      return standing ? { ...row, standing } : row;
    });
  });
}

function ownedOf(value: unknown): OwnedState[] | undefined {
  const [ifname, why, family, since, rows, outside, head, unanswered] = listOf(value, 8) ?? [];
  const known = textOf(ifname, MAX_WORD_CHARACTERS);
  const reason = textOf(why, MAX_WORD_CHARACTERS);
  const start = secondsOf(since);
  const vips = vipsOf(rows, family, 2);
  if (known === undefined || reason === undefined || start === undefined || !vips) return undefined;
  const moves = decodeMoves(head, unanswered, vips.length);
  return vips.map(({ vip, numbers: [term = 0, age = 0] }, index) => {
    const moved = moves[index];
    return {
      ...{ vip, interface: known, term, sinceSeconds: Math.min(start + age, LAST_SECONDS) },
      why: oneOf(reason, OWNED_REASONS) ?? 'unknown',
      ...(outside === 1 && { isOutside: true }),
      ...(moved && { moved }),
    };
  });
}

// Reasons that only newer speakers have mean nothing here and are left out.
function notAnnouncedOf(value: unknown): NotAnnounced[] | undefined {
  const [why, family, rows] = listOf(value, 8) ?? [];
  const reason = oneOf(why, NOT_ANNOUNCED_REASONS);
  const vips = vipsOf(rows, family, 0);
  return reason === undefined ? [] : vips?.map(({ vip }) => ({ vip, why: reason }));
}

function conflictOf(value: unknown): AddressConflict | undefined {
  const [vip, ifname, mac, since, kind, user] = listOf(value, 8) ?? [];
  const read = {
    vip: ipOf(vip),
    mac: macOf(mac),
    since: secondsOf(since),
    kind: oneOf(kind, ['before-use', 'in-use']),
  };
  const known = textOf(ifname, MAX_WORD_CHARACTERS);
  if (!read.vip || !read.mac || read.since === undefined || !read.kind || known === undefined) return undefined;
  // An older speaker does not tell, and a newer one may know of more users.
  const knownUser = oneOf(user, ['node', 'gateway', 'subnet']);
  const more = knownUser === undefined ? {} : { user: knownUser };
  return { vip: read.vip, interface: known, mac: read.mac, sinceSeconds: read.since, kind: read.kind, ...more };
}

function unreachableOf(value: unknown): UnreachableVip | undefined {
  const [vip, ifname, why, macs, since] = listOf(value, 8) ?? [];
  const read = { vip: ipOf(vip), why: oneOf(why, UNREACHABLE_REASONS), since: secondsOf(since) };
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
