// SPDX-License-Identifier: Apache-2.0
/** Reads the remarks of a node's state: strangers, unanswered VIPs, the check, and what became of orders. */
import {
  ipOf,
  MAX_NAMES_CHARACTERS,
  MAX_WORD_CHARACTERS,
  macOf,
  matching,
  NODE_NAME,
  secondsOf,
} from './decode-fields.ts';
import { MAX_REMARKS } from './encode.ts';
import { countOf, everyOf, listOf, oneOf, textOf } from './json-fields.ts';
import type { AddressConflict, CheckReport, HeardVip, OrderOutcome, UnreachableVip } from './node-state.ts';

const UNREACHABLE_REASONS = ['no-answer', 'wrong-answer', 'several-answers'] as const;
const MOVE_REFUSALS = ['not-heard', 'not-a-candidate', 'not-taken'] as const;

export function conflictOf(value: unknown): AddressConflict | undefined {
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

export function unreachableOf(value: unknown): UnreachableVip | undefined {
  const [vip, ifname, why, macs, since] = listOf(value, 8) ?? [];
  const read = { vip: ipOf(vip), why: oneOf(why, UNREACHABLE_REASONS), since: secondsOf(since) };
  const known = textOf(ifname, MAX_WORD_CHARACTERS);
  const answers = everyOf(listOf(macs, MAX_REMARKS), macOf);
  if (!read.vip || !read.why || read.since === undefined || known === undefined || !answers) return undefined;
  return { vip: read.vip, interface: known, why: read.why, macs: answers, sinceSeconds: read.since };
}

export function checkOf(value: unknown): CheckReport | undefined {
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

export function orderOf(value: unknown): OrderOutcome | undefined {
  const [id, outcome, why] = listOf(value, 8) ?? [];
  const known = textOf(id, MAX_WORD_CHARACTERS);
  const became = oneOf(outcome, ['begun', 'done', 'refused']);
  if (known === undefined || !became) return undefined;
  return { id: known, outcome: became, why: oneOf(why, MOVE_REFUSALS) };
}
