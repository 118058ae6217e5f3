// SPDX-License-Identifier: Apache-2.0
/** Who answered for each VIP when, from the moves that are known and from who answers now. */
import type { HistoryEntry } from './entry.ts';

export interface Lane {
  readonly vip: string;
  readonly interface: string;
  /** Without gaps, the first one first. */
  readonly spans: readonly LaneSpan[];
}

export interface LaneSpan {
  /** Undefined: no one, or it is not known who. */
  readonly node: string | undefined;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The part of a report that tells who answers now. */
export interface OwnersNow {
  readonly vips: readonly {
    readonly vip: string;
    readonly claims: readonly { readonly node: string; readonly interface: string; readonly sinceMs: number }[];
  }[];
}

export interface LaneRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** One lane for each VIP and interface that has an owner now or had one in that time, by address text and interface. */
export function lanesOf(entries: readonly HistoryEntry[], report: OwnersNow, range: LaneRange): Lane[] {
  const moves = Map.groupBy(
    entries.filter(({ kind }) => kind === 'moved'),
    ({ vip, interface: ifname }): string => `${vip} ${ifname}`,
  );
  const owners = new Map<string, Owner>(
    report.vips.flatMap(({ vip, claims }) =>
      claims.map((claim) => [`${vip} ${claim.interface}`, { node: claim.node, sinceMs: claim.sinceMs }] as const),
    ),
  );
  const keys = [...new Set<string>([...moves.keys(), ...owners.keys()])].sort();
  return keys.flatMap((key) => {
    const [vip = '', ifname = ''] = key.split(' ', 2);
    const spans = spansOf(moves.get(key) ?? [], owners.get(key), range);
    return spans.some(({ node }) => node !== undefined) ? [{ vip, interface: ifname, spans }] : [];
  });
}

interface Owner {
  readonly node: string;
  readonly sinceMs: number;
}

function spansOf(moves: readonly HistoryEntry[], owner: Owner | undefined, { fromMs, toMs }: LaneRange): LaneSpan[] {
  const turns = moves.map(({ atMs, to }) => ({ atMs, node: to }));
  const last = turns.at(-1);
  // What is seen now may not be written down yet, or no longer.
  if (owner && last?.node !== owner.node)
    turns.push({ atMs: Math.max(owner.sinceMs, last?.atMs ?? 0), node: owner.node });
  const [first] = moves;
  const before = first?.from;
  const spans: LaneSpan[] = [];
  let [node, startMs] = [before, fromMs];
  for (const turn of turns) {
    const atMs = Math.min(Math.max(turn.atMs, fromMs), toMs);
    if (atMs > startMs) spans.push({ node, fromMs: startMs, toMs: atMs });
    [node, startMs] = [turn.node, atMs];
  }
  if (toMs > startMs) spans.push({ node, fromMs: startMs, toMs });
  return joined(spans);
}

function joined(spans: readonly LaneSpan[]): LaneSpan[] {
  const result: LaneSpan[] = [];
  for (const span of spans) {
    const last = result.at(-1);
    if (last && last.node === span.node) result[result.length - 1] = { ...last, toMs: span.toMs };
    else result.push(span);
  }
  return result;
}
