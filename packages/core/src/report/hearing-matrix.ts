// SPDX-License-Identifier: Apache-2.0
/** Who hears whom, as a matrix for each name of an interface. */
import { compareText } from '../compare-text.ts';
import type { MemberState } from '../node-state/node-state.ts';
import type { HearingCell, HearingMatrix } from './model.ts';
import type { DatedReport } from './node-report.ts';

type Heard = ReadonlyMap<string, MemberState>;

/**
 * Nodes on one interface name, and those of the cluster that they tell of there; `nodes`: the names of its Nodes. Two
 * LANs behind one name show as blocks that do not hear each other.
 */
export function hearingMatrices(reports: readonly DatedReport[], nodes: Iterable<string>): readonly HearingMatrix[] {
  const known = new Set([...nodes, ...reports.map(({ node }) => node)]);
  const byInterface = new Map<string, Map<string, Heard>>();
  for (const { node, state, freshness } of reports) {
    if (freshness === 'stale') continue;
    for (const { interface: ifname, members } of state?.segments ?? []) {
      const rows = byInterface.get(ifname) ?? new Map<string, Heard>();
      // One report could name hundreds of nodes that there are not, on dozens of interfaces.
      const own = members.filter((member) => known.has(member.node));
      rows.set(node, new Map(own.map((member) => [member.node, member])));
      byInterface.set(ifname, rows);
    }
  }
  const names = [...byInterface.keys()].sort(compareText);
  return names.map((ifname) => matrixOf(ifname, byInterface.get(ifname) ?? new Map()));
}

function matrixOf(ifname: string, rows: ReadonlyMap<string, Heard>): HearingMatrix {
  const heard = [...rows.values()].flatMap((one) => [...one.keys()]);
  const nodes = [...new Set([...rows.keys(), ...heard])].sort(compareText);
  const cells = nodes.map((node) => nodes.map((other) => cellOf(rows, node, other)));
  return { interface: ifname, nodes, cells };
}

function cellOf(rows: ReadonlyMap<string, Heard>, node: string, other: string): HearingCell {
  const own = rows.get(node);
  if (node === other) return { state: 'self', way: undefined };
  if (own === undefined) return { state: 'unknown', way: undefined };
  const member = own.get(other);
  if (member !== undefined) return { state: member.hearing, way: member.way };
  // It is heard itself there, and does not hear.
  const back = rows.get(other)?.get(node);
  return { state: back !== undefined && back.hearing !== 'lost' ? 'deaf' : 'none', way: undefined };
}
