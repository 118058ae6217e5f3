// SPDX-License-Identifier: Apache-2.0
/**
 * Which interfaces of which nodes stand in one segment, by who hears whom. Names of interfaces are each node's own, so
 * they only help where two nodes hear each other on several.
 */
import type { SegmentState } from '../node-state/node-state.ts';
import type { LiveReport } from './node-report.ts';

/** A node's place in a segment. */
export interface SegmentMember {
  readonly report: LiveReport;
  readonly segment: SegmentState;
}

export interface SegmentGroup {
  /** The same in each reading of the same reports. */
  readonly id: string;
  /** In the order of the reports. */
  readonly members: readonly SegmentMember[];
}

/** The segments that these nodes know of; a node that hears no one on an interface is alone there. */
export function segmentGroups(reports: readonly LiveReport[]): readonly SegmentGroup[] {
  const places = reports.flatMap((report) =>
    report.state.segments.map((segment): SegmentMember => ({ report, segment })),
  );
  const byNode = Map.groupBy(places, ({ report }) => report.node);
  const groups: SegmentMember[][] = [];
  const seen = new Set<SegmentMember>();
  for (const start of places) {
    if (seen.has(start)) continue;
    seen.add(start);
    const group = [start];
    for (const place of group) {
      for (const other of heardBy(place, byNode)) {
        if (seen.has(other)) continue;
        seen.add(other);
        group.push(other);
      }
    }
    groups.push(group.sort((a, b) => places.indexOf(a) - places.indexOf(b)));
  }
  return groups.map((members) => ({ id: members.map(placeText).join(' '), members }));
}

/** Text of a node's interface. */
export function placeText({ report, segment }: SegmentMember): string {
  return `${report.node}/${segment.interface}`;
}

function heardBy({ report, segment }: SegmentMember, byNode: ReadonlyMap<string, SegmentMember[]>): SegmentMember[] {
  return segment.members.flatMap(({ node }) => {
    const mutual = (byNode.get(node) ?? []).filter((one) =>
      one.segment.members.some((heard) => heard.node === report.node),
    );
    const same = mutual.find((one) => one.segment.interface === segment.interface);
    return same ?? mutual[0] ?? [];
  });
}
