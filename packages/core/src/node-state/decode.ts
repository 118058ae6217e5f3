// SPDX-License-Identifier: Apache-2.0
/**
 * Reads a node's state from an annotation, which anybody with rights on Leases may have written: bounded, and nothing
 * throws.
 */
import { type Parsed, parsed, unparsed } from '../net/parsed.ts';
import {
  LAST_SECONDS,
  MAX_CHARACTERS,
  MAX_WORD_CHARACTERS,
  matching,
  NODE_NAME,
  secondsOf,
  vipsOf,
} from './decode-fields.ts';
import { checkOf, conflictOf, orderOf, unreachableOf } from './decode-remarks.ts';
import { segmentOf } from './decode-segment.ts';
import { MAX_REMARKS, NODE_STATE_VERSION } from './encode.ts';
import { countOf, everyOf, listOf, objectOf, oneOf, readJson, textOf } from './json-fields.ts';
import { decodeMovesState } from './moves-state.ts';
import { MAX_LAPSE_TIMES, type NodeHealth, type NodeState, type NotAnnounced, type OwnedState } from './node-state.ts';
import { decodeServing } from './serving.ts';
import { decodeStandings } from './standing.ts';
import { decodeMoves } from './succession.ts';

const MAX_SEGMENTS = 64;
const MAX_GROUPS = 4096;
const BOOT_ID = /^[0-9a-f]{16}$/;
const OWNED_REASONS = ['new', 'orphaned', 'left-over', 'handed-over'] as const;
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
  const keeping = countOf(json.keeping);
  const moves = decodeMovesState(json.moves);
  const extras = {
    ...(testedSeconds !== undefined && { testedSeconds }),
    ...(report && { check: report }),
    ...(serving.length > 0 && { serving }),
    ...(keeping !== undefined && keeping > 0 && { keeping }),
    ...(moves && { moves }),
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
  const lapsedSeconds =
    json.lapsed === undefined ? undefined : everyOf(listOf(json.lapsed, MAX_LAPSE_TIMES), secondsOf);
  const [forwarded, strays, flows] = everyOf(listOf(json.spread, 8), countOf) ?? [];
  return read.latestMs === undefined || read.lapses === undefined
    ? undefined
    : {
        ...{ latestMs: read.latestMs, lapses: read.lapses },
        ...(lapsedSeconds && { lapsedSeconds }),
        ...(forwarded !== undefined && strays !== undefined && { spread: { forwarded, strays, flows } }),
      };
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
