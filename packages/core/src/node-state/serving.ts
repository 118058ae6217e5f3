// SPDX-License-Identifier: Apache-2.0
/** Who serves the VIPs that every node is to serve, as their owners say: as values, and as text of few characters. */
import type { IpAddress } from '../net/ip-address.ts';
import { SERVE_STATES, type ServeState } from '../wire/spread-message.ts';
import { countOf, everyOf, listOf, oneOf, textOf } from './json-fields.ts';
import { decodeVipRows, encodeVipRows } from './vip-rows.ts';

/** One for each VIP that is to be served by every node and that the node owns on an interface. */
export interface ServingState {
  readonly vip: IpAddress;
  readonly interface: string;
  /** Since when these nodes serve, in seconds since 1970 by the owner's clock. */
  readonly sinceSeconds: number;
  /** In the order of names; empty where the owner knows nothing of others. */
  readonly servers: readonly ServerState[];
  /** Why the owner takes all new flows; undefined: all that can do. */
  readonly alone?: AloneState;
}

export interface ServerState {
  readonly node: string;
  readonly state: ServeState;
  /** Its share of new flows, beside the weights of the others. */
  readonly weight: number;
}

/**
 * shared-with-owner-served: Services that share the VIP do not all ask for it; no-health-port: policy Local without a
 * port at which kube-proxy tells of endpoints; nodes-without: nodes that may own the VIP take no part; program,
 * conntrack, room: the owner's kernel.
 */
export const ALONE_REASONS = [
  'shared-with-owner-served',
  'no-health-port',
  'nodes-without',
  'program',
  'conntrack',
  'room',
] as const;
/** `unknown`: a reason that a newer speaker has. */
export type AloneReason = (typeof ALONE_REASONS)[number] | 'unknown';

export interface AloneState {
  readonly why: AloneReason;
  /** The nodes that take no part. */
  readonly nodes: readonly string[];
  /** What the system said, such as `EPERM`; empty where it said nothing. */
  readonly code: string;
}

const MAX_GROUPS = 4096;
const MAX_SERVERS = 64;
const MAX_NAME_CHARACTERS = 253;
const MAX_WORD_CHARACTERS = 64;
const MAX_ROWS_CHARACTERS = 256 * 1024;
const MAX_VIPS = 50_000;
const FAMILIES = ['IPv4', 'IPv6'] as const;

/** VIPs with the same words together. */
export function encodeServing(serving: readonly ServingState[]): unknown[] {
  const groups = Map.groupBy(serving, (one) => JSON.stringify([one.vip.family, ...wordsOf(one)]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const [ifname, since, ...rest] = wordsOf(first);
    const rows = encodeVipRows(group.map(({ vip }) => ({ vip, numbers: [] })));
    return [[ifname, since, first.vip.family, rows, ...rest]];
  });
}

function wordsOf({ interface: ifname, sinceSeconds, servers, alone }: ServingState): readonly unknown[] {
  const rows = servers.map(({ node, state, weight }) => [node, state, weight]);
  return [ifname, sinceSeconds, rows, ...(alone ? [alone.why, alone.nodes, alone.code] : [])];
}

/** Undefined for what no encoder makes. */
export function decodeServing(value: unknown): readonly ServingState[] | undefined {
  return everyOf(listOf(value, MAX_GROUPS), groupOf)?.flat();
}

function groupOf(value: unknown): readonly ServingState[] | undefined {
  const [ifname, since, family, rows, servers, why, nodes, code] = listOf(value, 16) ?? [];
  const known = {
    ifname: textOf(ifname, MAX_WORD_CHARACTERS),
    sinceSeconds: countOf(since),
    servers: everyOf(listOf(servers, MAX_SERVERS), serverOf),
    alone: aloneOf(why, nodes, code),
  };
  const vips = vipsOf(rows, family);
  if (known.ifname === undefined || known.sinceSeconds === undefined || !known.servers || !vips) return undefined;
  const { ifname: name, sinceSeconds, servers: serving, alone } = known;
  return vips.map(({ vip }) => ({
    ...{ vip, interface: name, sinceSeconds, servers: serving },
    ...(alone && { alone }),
  }));
}

function vipsOf(rows: unknown, family: unknown) {
  const text = textOf(rows, MAX_ROWS_CHARACTERS);
  const known = oneOf(family, FAMILIES);
  if (text === undefined || known === undefined) return undefined;
  return decodeVipRows(text, { family: known, columns: 0, maxRows: MAX_VIPS });
}

function serverOf(value: unknown): ServerState | undefined {
  const [node, state, weight] = listOf(value, 4) ?? [];
  const read = {
    node: textOf(node, MAX_NAME_CHARACTERS),
    state: oneOf(state, SERVE_STATES),
    weight: countOf(weight),
  };
  if (read.node === undefined || read.state === undefined || read.weight === undefined) return undefined;
  return { node: read.node, state: read.state, weight: read.weight };
}

function aloneOf(why: unknown, nodes: unknown, code: unknown): AloneState | undefined {
  const reason = textOf(why, MAX_WORD_CHARACTERS);
  if (reason === undefined) return undefined;
  const names = everyOf(listOf(nodes, MAX_VIPS), (one) => textOf(one, MAX_NAME_CHARACTERS)) ?? [];
  return {
    why: oneOf(reason, ALONE_REASONS) ?? 'unknown',
    nodes: names,
    code: textOf(code, MAX_WORD_CHARACTERS) ?? '',
  };
}
