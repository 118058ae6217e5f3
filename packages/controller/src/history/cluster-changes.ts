// SPDX-License-Identifier: Apache-2.0
/**
 * What the reports of the nodes add to the history, beside what is on record. Reads the view and keeps nothing.
 */
import {
  claimedVips,
  endOf,
  type HistoryRecords,
  horizonOf,
  type MarkRecord,
  type MoveRecord,
  type MoveSeen,
  type MoveWhy,
  marksBetween,
  openMarks,
  shownAddressesOf,
  standingMarks,
  subjectOf,
  takenSince,
} from '@berth/core';
import { keyOf } from '@berth/kube';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { NodeStateChange } from '../cluster/node-states.ts';
import type { LeftVip } from './pending-records.ts';

/** Marks that the nodes' reports tell of. */
const OF_NODES: ReadonlySet<MarkRecord['kind']> = new Set([
  ...(['conflict', 'hearing', 'drain', 'eligibility', 'speaker', 'outage'] as const),
]);

export class ClusterChanges {
  readonly #view: Pick<ClusterView, 'nodeStates' | 'services'>;

  constructor(view: Pick<ClusterView, 'nodeStates' | 'services'>) {
    this.#view = view;
  }

  /** What began or ended with one change of a report. */
  marksOf({ node, before, after }: NodeStateChange, nowMs: number): MarkRecord[] {
    return marksBetween(before, after, { nowMs, isHeard: this.#isHeard(node) });
  }

  /** What began or ended while no one watched, as far as the reports tell. */
  marksSince(marks: readonly MarkRecord[], nowMs: number): MarkRecord[] {
    const open = openMarks(marks);
    const reports = this.#reports();
    const standing = reports.flatMap((seen) => standingMarks(seen, { nowMs, isHeard: this.#isHeard(seen.node) }));
    const subjects = new Set(standing.map(subjectOf));
    // A node that has not been heard yet in this term may be silent all the same.
    const unproven = new Set(reports.filter(({ freshness }) => freshness === 'unproven').map(({ node }) => node));
    const isOver = (mark: MarkRecord) =>
      mark.node !== '' && OF_NODES.has(mark.kind) && !subjects.has(subjectOf(mark)) && !unproven.has(mark.node);
    return [
      ...[...open.values()].filter(isOver).map((mark) => endOf(mark, nowMs)),
      ...standing.filter((mark) => !open.has(subjectOf(mark))),
    ];
  }

  /** VIPs that were taken while no one watched. */
  movesSince({ horizons, moves }: HistoryRecords): MoveSeen[] {
    const recorded = new Map(horizons.map((one) => [one.node, one]));
    return this.#reports().flatMap(({ node, state }) =>
      state ? takenSince(node, state, { horizon: recorded.get(node), moves }) : [],
    );
  }

  horizons(): HistoryRecords['horizons'] {
    return this.#reports().flatMap(({ node, state }) => (state ? [horizonOf(node, state)] : []));
  }

  /** Of VIPs that were left, those that no one answers for by now. */
  silentOf(left: readonly LeftVip[], whySilent: (service: string) => MoveWhy | undefined): MoveSeen[] {
    if (left.length === 0) return [];
    const claimed = claimedVips(this.#reports());
    const services = this.#servicesByVip();
    return left.flatMap(({ vip, interface: ifname, from, atMs }) => {
      if (claimed.has(vip)) return [];
      const [first] = services.get(vip) ?? [];
      const why = first === undefined ? 'released' : (whySilent(first) ?? 'NotHeard');
      return [{ atMs, vip, interface: ifname, from, to: undefined, why, unansweredMs: undefined }];
    });
  }

  withServices(moves: readonly MoveRecord[]): readonly MoveRecord[] {
    if (moves.length === 0) return moves;
    const services = this.#servicesByVip();
    return moves.map((move) => ({ ...move, services: services.get(move.vip) ?? [] }));
  }

  #reports() {
    return [...this.#view.nodeStates.reports.values()];
  }

  #isHeard(node: string): boolean {
    return this.#reports().some(
      ({ freshness, state }) =>
        freshness !== 'stale' && state?.segments.some(({ members }) => members.some((one) => one.node === node)),
    );
  }

  #servicesByVip(): ReadonlyMap<string, readonly string[]> {
    const byVip = new Map<string, string[]>();
    for (const service of this.#view.services.values())
      for (const vip of shownAddressesOf(service)) {
        const keys = byVip.get(String(vip));
        if (keys) keys.push(keyOf(service));
        else byVip.set(String(vip), [keyOf(service)]);
      }
    return byVip;
  }
}
