// SPDX-License-Identifier: Apache-2.0
/** What follows in a term when pools, namespaces or other owners of addresses change. */
import type { Namespace, StoreEvent } from '@berth/kube';
import type { Clock } from '@berth/runtime';
import type { Allocation } from './allocation/allocation.ts';
import type { Occupancy } from './allocation/occupancy.ts';
import { seesNamespaces, surroundingsOf } from './allocation/surroundings.ts';
import type { Unconfigured } from './allocation/unconfigured.ts';
import type { Announcements } from './announcement/announcements.ts';
import type { ClusterView } from './cluster/cluster-view.ts';
import { isRelevantNamespaceChange } from './cluster/relevant-change.ts';
import type { HistoryKeeper } from './history/history-keeper.ts';
import { configurationMarks } from './history/history-marks.ts';
import type { PoolReconciler } from './pool-reconciler.ts';
import type { PoolState } from './pools/pool-source.ts';
import type { ServiceReconciler } from './service-reconciler.ts';

export interface SurroundingsNewsParts {
  readonly view: Pick<ClusterView, 'namespaces'>;
  readonly clock: Clock;
  readonly pools: PoolReconciler;
  readonly services: ServiceReconciler;
  readonly allocation: Allocation;
  readonly announcements: Announcements;
  readonly occupancy: Occupancy;
  readonly unconfigured: Unconfigured;
  readonly history: HistoryKeeper;
  /** Of the term. */
  readonly signal: AbortSignal;
}

export class SurroundingsNews {
  readonly #parts: SurroundingsNewsParts;

  constructor(parts: SurroundingsNewsParts) {
    this.#parts = parts;
  }

  /** The configuration was looked at; the two states are the same object where nothing changed. */
  poolsLooked(before: PoolState, now: PoolState): void {
    const { clock, history, unconfigured, announcements, services } = this.#parts;
    if (now !== before) history.note(...configurationMarks(before, now, clock.date().getTime()));
    // Before the first configuration nothing is decided at all: no grant, no release, and nothing is said on Services
    // that others serve.
    if (now.config === undefined) return;
    unconfigured.stop();
    announcements.start();
    services.start();
    if (now === before) return;
    this.#follow();
    const isEdit = before.config !== undefined && before.config !== now.config;
    // Each in a turn of its own: on a large cluster it takes a while.
    this.#inTurn(() => {
      services.poolsChanged(isEdit);
      this.#inTurn(() => announcements.everythingChanged());
    });
  }

  // Only selectors see namespaces.
  namespaceChanged(event: StoreEvent<Namespace>): void {
    const { pools, services } = this.#parts;
    if (!seesNamespaces(pools.state.config)) return;
    if (event.type === 'updated' && !isRelevantNamespaceChange(event.previous, event.object)) return;
    this.#follow();
    services.namespaceChanged(event);
  }

  /** Others than Services of ours have other addresses now. */
  occupantsChanged(): void {
    this.#follow();
    this.#parts.services.occupantsChanged();
  }

  #follow(): void {
    const { view, pools, allocation, occupancy } = this.#parts;
    allocation.setSurroundings(surroundingsOf(pools.state, view.namespaces.values(), occupancy.current));
  }

  #inTurn(work: () => void): void {
    setImmediate(() => {
      if (!this.#parts.signal.aborted) work();
    });
  }
}
