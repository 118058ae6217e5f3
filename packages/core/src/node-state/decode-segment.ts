// SPDX-License-Identifier: Apache-2.0
/** Reads what a node's state says about one segment. */
import { IpPrefix } from '../net/ip-prefix.ts';
import { HEARTBEAT_PHASES } from '../wire/heartbeat.ts';
import { MAX_WORD_CHARACTERS, macOf, namesOf } from './decode-fields.ts';
import { FOR_OTHERS, MAX_SUBNETS } from './encode.ts';
import { listOf, oneOf, textOf } from './json-fields.ts';
import type { MemberState, SegmentState } from './node-state.ts';

export function segmentOf(value: unknown): SegmentState | undefined {
  const [ifname, mac, phase, both, oneWay, lost, ...rest] = listOf(value, 16) ?? [];
  const [contact, answer, udp, unicast, notReached, subnets] = rest;
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
    ...subnetsIn(subnets),
  };
}

/** Most characters of all subnets of an interface. */
const MAX_SUBNETS_CHARACTERS = 1024;

// What cannot be read is left out: a node that owns VIPs is heard whatever it says of its subnets.
function subnetsIn(value: unknown): Pick<SegmentState, 'subnets'> {
  const words = textOf(value, MAX_SUBNETS_CHARACTERS)?.split(' ', MAX_SUBNETS) ?? [];
  const subnets = words.flatMap((word) => {
    const prefix = IpPrefix.parse(word);
    return prefix.ok ? [prefix.value] : [];
  });
  return subnets.length > 0 ? { subnets } : {};
}

function waysOf(udp: unknown, unicast: unknown): Map<string, NonNullable<MemberState['way']>> | undefined {
  const [byUdp, byUnicast] = [membersOf(udp ?? '', 'both'), membersOf(unicast ?? '', 'both')];
  if (!byUdp || !byUnicast) return undefined;
  return new Map([
    ...byUnicast.map(({ node }) => [node, 'unicast'] as const),
    ...byUdp.map(({ node }) => [node, 'udp'] as const),
  ]);
}

function membersOf(value: unknown, hearing: MemberState['hearing']): MemberState[] | undefined {
  return namesOf(value)?.map((node) => ({ node, hearing }));
}
