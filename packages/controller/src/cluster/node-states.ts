// SPDX-License-Identifier: Apache-2.0
/**
 * What the nodes say of themselves: the states in their Leases, and which nodes are still to be believed. A Lease is
 * fresh while it is renewed, by this replica's own monotonic clock; wall clocks are not compared.
 */
import {
  decodeNodeState,
  NODE_STALE_SECONDS,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  type NodeReport,
  nodeOfLease,
} from '@berth/core';
import { type KubeApi, type KubeError, type Lease, leases, Reflector, Store, type StoreEvent } from '@berth/kube';
import { type Clock, Signal, type Task, type Timer } from '@berth/runtime';

const STALE_MS = NODE_STALE_SECONDS * 1000;

/** One report that is another now; either side may be missing. Renewals alone are no change. */
export interface NodeStateChange {
  readonly node: string;
  readonly before: NodeReport | undefined;
  readonly after: NodeReport | undefined;
}

export interface NodeStatesOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  /** Namespace of Berth. */
  readonly namespace: string;
}

export class NodeStates implements Task {
  readonly name = 'node states';
  /** The watch failed. */
  readonly failures = new Signal<[error: KubeError, retryInMs: number]>();
  readonly ready: Promise<void>;
  readonly #clock: Clock;
  readonly #reflector: Reflector<Lease>;
  readonly #reports = new Map<string, NodeReport>();
  readonly #texts = new Map<string, string>();
  /** When each Lease was last seen to change. */
  readonly #changedMs = new Map<string, number>();
  readonly #changes = new Signal<[NodeStateChange]>();
  #timer: Timer | undefined;

  /** When the watch failed last: a Lease that was not seen since then may have been renewed all the same. */
  #failedMs = Number.NEGATIVE_INFINITY;

  constructor({ api, clock, namespace }: NodeStatesOptions) {
    this.#clock = clock;
    const store = new Store<Lease>();
    store.subscribe((event) => this.#follow(event));
    this.#reflector = new Reflector<Lease>({
      ...{ api, clock, store },
      kind: leases,
      selection: { namespace, labelSelector: NODE_STATE_LABEL },
      transform: trimLease,
      onError: (error, retryInMs) => {
        this.#failedMs = clock.now();
        this.failures.emit(error, retryInMs);
      },
    });
    this.ready = this.#reflector.ready;
  }

  start(): void {
    this.#reflector.start();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#reflector.stop();
  }

  /** By the name of the node. */
  get reports(): ReadonlyMap<string, NodeReport> {
    return this.#reports;
  }

  /** Calls `listener` for each change from now on; returns the function that ends it. */
  subscribe(listener: (change: NodeStateChange) => void): () => void {
    return this.#changes.subscribe(listener);
  }

  #follow({ type, object }: StoreEvent<Lease>): void {
    const node = nodeOfLease(object.spec?.holderIdentity, object.metadata.name ?? '');
    const before = this.#reports.get(node);
    if (type === 'deleted') {
      this.#changedMs.delete(node);
      this.#put(node, before, undefined);
      return;
    }
    this.#changedMs.set(node, this.#clock.now());
    const freshness = this.#reflector.hasSynced ? 'fresh' : 'unproven';
    const text = object.metadata.annotations?.[NODE_STATE_ANNOTATION] ?? '';
    const isSame = before !== undefined && this.#texts.get(node) === text;
    this.#texts.set(node, text);
    const read = isSame ? before : { node, ...readState(text) };
    if (!isSame || before.freshness !== freshness) this.#put(node, before, { ...read, freshness });
    this.#plan();
  }

  #put(node: string, before: NodeReport | undefined, after: NodeReport | undefined): void {
    if (after) this.#reports.set(node, after);
    else {
      this.#reports.delete(node);
      this.#texts.delete(node);
    }
    this.#changes.emit({ node, before, after });
  }

  // One timer for all: it looks again when the next Lease could be stale.
  #plan(): void {
    if (this.#timer !== undefined) return;
    const waiting = [...this.#changedMs].filter(([node]) => this.#reports.get(node)?.freshness !== 'stale');
    if (waiting.length === 0) return;
    const oldestMs = waiting.reduce((least, [, changedMs]) => Math.min(least, changedMs), Number.POSITIVE_INFINITY);
    // Rounded up, or a timer that comes a fraction too early would be set again and again.
    const dueMs = Math.ceil(Math.max(oldestMs, this.#failedMs) + STALE_MS) + 1;
    this.#timer = this.#clock.after(Math.max(0, dueMs - this.#clock.now()), () => {
      this.#timer = undefined;
      this.#expire();
      this.#plan();
    });
  }

  #expire(): void {
    const nowMs = this.#clock.now();
    for (const [node, changedMs] of this.#changedMs) {
      const report = this.#reports.get(node);
      const silentMs = nowMs - Math.max(changedMs, this.#failedMs);
      if (report === undefined || report.freshness === 'stale' || silentMs < STALE_MS) continue;
      this.#put(node, report, { ...report, freshness: 'stale' });
    }
  }
}

function readState(text: string): Pick<NodeReport, 'state' | 'problem'> {
  const read = decodeNodeState(text);
  return read.ok ? { state: read.value, problem: undefined } : { state: undefined, problem: read.reason };
}

// Only what is read is kept: some clusters have hundreds of nodes.
function trimLease({ metadata, spec }: Lease): Lease {
  const { name, namespace, resourceVersion } = metadata;
  const state = metadata.annotations?.[NODE_STATE_ANNOTATION];
  return {
    metadata: {
      name,
      ...(namespace && { namespace }),
      ...(resourceVersion && { resourceVersion }),
      ...(state !== undefined && { annotations: { [NODE_STATE_ANNOTATION]: state } }),
    },
    spec: { ...(spec?.holderIdentity && { holderIdentity: spec.holderIdentity }) },
  };
}
