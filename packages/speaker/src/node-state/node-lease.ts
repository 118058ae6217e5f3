// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps this node's Lease: its state when it changed, at once and then at most once a second, and a renewal every ten
 * seconds. Nothing waits for it. While the API server is away it tries again with growing waits; what is written then
 * is the state of that moment.
 */
import {
  encodeNodeHealth,
  encodeNodeState,
  NODE_HEALTH_ANNOTATION,
  NODE_RENEW_SECONDS,
  NODE_STALE_SECONDS,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  type NodeHealth,
  type NodeState,
  nodeLabelValue,
  nodeLeaseName,
} from '@berth/core';
import { isKubeError, type KubeApi, type KubeError, type Lease, leases, type Node } from '@berth/kube';
import { Backoff, type Clock, Signal, type Timer } from '@berth/runtime';

/** Least time between two writes of a state. */
const WRITE_EVERY_MS = 1_000;
/** News that no one waits for are written this much later, so that those of one event go together. */
const SOON_MS = 1_000;
const RENEW_MS = NODE_RENEW_SECONDS * 1000;
const CALL_TIMEOUT_MS = 5_000;
/** The process is about to end; whoever reads the Lease can do without the last word. */
const LAST_CALL_TIMEOUT_MS = 1_500;

export interface NodeLeaseOptions {
  readonly api: Pick<KubeApi, 'create' | 'patch'>;
  readonly clock: Clock;
  readonly namespace: string;
  readonly nodeName: string;
  /** The Node object, once it is known: it owns the Lease, so that one goes with the other. */
  node(): Node | undefined;
  /** The state of this moment. */
  state(): NodeState;
  /** How the node did since this was last asked. */
  health(): NodeHealth;
}

export class NodeLease {
  readonly name = 'node lease';
  /** It was not written. */
  readonly failures = new Signal<[error: KubeError, retryInMs: number]>();
  readonly #options: NodeLeaseOptions;
  readonly #backoff = new Backoff({ baseMs: 250, capMs: 10_000 });
  readonly #path: { readonly namespace: string; readonly name: string };
  #timer: { readonly timer: Timer; readonly dueMs: number } | undefined;
  #isRunning = false;
  #writing: Promise<void> | undefined;
  #isChanged = false;
  /** What the Lease says, as far as is known. */
  #written: string | undefined;
  #wroteMs = Number.NEGATIVE_INFINITY;
  #renewedMs = Number.NEGATIVE_INFINITY;

  constructor(options: NodeLeaseOptions) {
    this.#options = options;
    this.#path = { namespace: options.namespace, name: nodeLeaseName(options.nodeName) };
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#plan(0);
  }

  /** The state may have changed; somebody may wait for the news, or no one does. */
  changed(urgency: 'now' | 'soon'): void {
    this.#isChanged = true;
    const { clock } = this.#options;
    const sinceMs = clock.now() - this.#wroteMs;
    this.#plan(Math.max(urgency === 'now' ? 0 : SOON_MS, WRITE_EVERY_MS - sinceMs));
  }

  /** Writes the last state, if that is soon done, and nothing after it. */
  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#timer?.timer.cancel();
    await this.#writing;
    try {
      await this.#write(LAST_CALL_TIMEOUT_MS);
    } catch {
      // Best effort during shutdown: the Lease goes stale by itself.
    }
  }

  // The earliest wish counts.
  #plan(delayMs: number): void {
    if (!this.#isRunning || this.#writing !== undefined) return;
    const { clock } = this.#options;
    const dueMs = clock.now() + delayMs;
    if (this.#timer && this.#timer.dueMs <= dueMs) return;
    this.#timer?.timer.cancel();
    const timer = clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#writing = this.#turn();
    });
    this.#timer = { timer, dueMs };
  }

  async #turn(): Promise<void> {
    const delayMs = await this.#try();
    this.#writing = undefined;
    if (this.#isChanged && delayMs === undefined) this.#plan(WRITE_EVERY_MS);
    else this.#plan(delayMs ?? this.#renewedMs + RENEW_MS - this.#options.clock.now());
  }

  /** The time until the next attempt after a failure. */
  async #try(): Promise<number | undefined> {
    try {
      await this.#write(CALL_TIMEOUT_MS);
      this.#backoff.reset();
      return undefined;
    } catch (error) {
      // Whether the server made the write is not known.
      this.#written = undefined;
      const retryInMs = this.#backoff.next();
      this.failures.emit(error as KubeError, retryInMs);
      return retryInMs;
    }
  }

  async #write(timeoutMs: number): Promise<void> {
    const { clock, state, health, api } = this.#options;
    // Counted as written from here on, so that news which come while this is under way are written after it.
    this.#isChanged = false;
    this.#wroteMs = clock.now();
    const text = encodeNodeState(state());
    // A timer may come a fraction too early.
    const isRenewal = clock.now() - this.#renewedMs >= RENEW_MS - 1;
    if (text === this.#written && !isRenewal) return;
    const body = bodyOf({ date: clock.date(), health: health(), state: text === this.#written ? undefined : text });
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      await api.patch(leases, this.#path, { type: 'merge', body }, { signal });
    } catch (error) {
      if (!isKubeError(error, 'not-found')) throw error;
      await this.#create(text, signal);
    }
    this.#written = text;
    this.#renewedMs = this.#wroteMs;
  }

  async #create(state: string, signal: AbortSignal): Promise<void> {
    const { clock, health, api, nodeName, node } = this.#options;
    const { metadata, spec } = bodyOf({ date: clock.date(), health: health(), state });
    const owner = node();
    const ownerReferences = owner?.metadata.uid && [
      { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: owner.metadata.uid },
    ];
    const lease = {
      metadata: {
        ...this.#path,
        ...metadata,
        labels: { [NODE_STATE_LABEL]: nodeLabelValue(nodeName) },
        ...(ownerReferences && { ownerReferences }),
      },
      spec: { ...spec, holderIdentity: nodeName, leaseDurationSeconds: NODE_STALE_SECONDS },
    };
    await api.create(leases, lease, { signal });
  }
}

interface Content {
  readonly date: Date;
  readonly health: NodeHealth;
  /** Undefined: unchanged. */
  readonly state: string | undefined;
}

function bodyOf({ date, health, state }: Content): Pick<Lease, 'spec'> & {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
} {
  return {
    metadata: {
      annotations: {
        ...(state !== undefined && { [NODE_STATE_ANNOTATION]: state }),
        [NODE_HEALTH_ANNOTATION]: encodeNodeHealth(health),
      },
    },
    // MicroTime wants six digits.
    spec: { renewTime: date.toISOString().replace('Z', '000Z') },
  };
}
