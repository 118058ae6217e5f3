// SPDX-License-Identifier: Apache-2.0

/**
 * Events on objects (core/v1, which `kubectl describe` shows). What is said again about an object is not written again:
 * within the silence nothing at all, after it the count of the same Event grows. Writing is best effort and never holds
 * up the caller; Events wait behind all other API calls and are bounded in number.
 */

import type { KubeApi, NewObject } from './api.ts';
import type { ApiBudget } from './api-budget.ts';
import { type Clock, systemClock } from './clock.ts';
import { classify, type KubeError } from './errors.ts';
import type { EventObject, KubeObject } from './object.ts';
import { events } from './resources.ts';

/** Events that wait to be written; more are dropped, and counted. */
const MAX_WAITING = 10_000;

/** Objects whose last Events are remembered. */
const MAX_REMEMBERED = 20_000;

export interface EventRecorderOptions {
  readonly api: KubeApi;
  readonly budget: ApiBudget;
  /** Shown as the source, e.g. "berth-controller". */
  readonly component: string;
  /** Host or pod name. */
  readonly instance: string;
  /** Milliseconds in which the same Event about the same object is not written again. @default 600000 */
  readonly silenceMs?: number;
  readonly clock?: Clock;
  readonly onError?: (error: KubeError) => void;
}

/** What happened to an object. */
export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, e.g. `IPAllocated`. */
  readonly reason: string;
  readonly message: string;
}

interface Written {
  readonly name: string;
  readonly at: number;
  readonly count: number;
}

/** Writes Events. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  /** By object and note; oldest first. */
  readonly #written = new Map<string, Written>();
  readonly #pending = new Set<Promise<void>>();
  readonly #stopper = new AbortController();
  #serial = 0;
  #dropped = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Events that were not written because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Notes an Event; returns at once. */
  record(object: KubeObject, note: EventNote): void {
    const key = `${object.metadata.uid ?? ''}|${note.type}|${note.reason}|${note.message}`;
    const before = this.#written.get(key);
    const now = this.#clock.now();
    if (before && now - before.at < (this.#options.silenceMs ?? 600_000)) return;
    if (this.#pending.size >= MAX_WAITING) {
      this.#dropped += 1;
      return;
    }
    const name = before?.name ?? this.#newName(object);
    const count = (before?.count ?? 0) + 1;
    this.#remember(key, { name, at: now, count });
    this.#send(() => (before ? this.#repeat(object, name, count) : this.#create(object, { ...note, name })));
  }

  /** Resolves when everything noted so far is written or given up. */
  async flush(): Promise<void> {
    await Promise.all(this.#pending);
  }

  /** Gives up what is not written yet. */
  async stop(): Promise<void> {
    this.#stopper.abort();
    await this.flush();
  }

  #send(write: () => Promise<unknown>): void {
    const sent = this.#options.budget
      .run(write, { priority: 'low', signal: this.#stopper.signal })
      .then(
        () => {},
        (error: unknown) => {
          // Best effort: an Event that cannot be written (its namespace is going, the server is down) is lost.
          if (classify(error).action !== 'stop') this.#options.onError?.(error as KubeError);
        },
      )
      .finally(() => this.#pending.delete(sent));
    this.#pending.add(sent);
  }

  #create(object: KubeObject, note: EventNote & { readonly name: string }): Promise<unknown> {
    const time = this.#clock.date().toISOString();
    const { component, instance } = this.#options;
    const body: NewObject<EventObject> = {
      metadata: { namespace: object.metadata.namespace ?? 'default', name: note.name },
      involvedObject: referenceTo(object),
      type: note.type,
      reason: note.reason,
      message: note.message.slice(0, 1024),
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      source: { component, host: instance },
      reportingComponent: component,
      reportingInstance: instance,
    };
    return this.#options.api.create(events, body, { signal: this.#stopper.signal });
  }

  #repeat(object: KubeObject, name: string, count: number): Promise<unknown> {
    const at = { namespace: object.metadata.namespace ?? 'default', name };
    const body = { count, lastTimestamp: this.#clock.date().toISOString() };
    return this.#options.api.patch(events, at, { type: 'merge', body }, { signal: this.#stopper.signal });
  }

  #newName(object: KubeObject): string {
    this.#serial += 1;
    const unique = `${this.#clock.date().getTime().toString(16)}${this.#serial.toString(16).padStart(4, '0')}`;
    return `${object.metadata.name.slice(0, 200)}.${unique}`;
  }

  #remember(key: string, written: Written): void {
    this.#written.delete(key);
    this.#written.set(key, written);
    for (const oldest of this.#written.keys()) {
      if (this.#written.size <= MAX_REMEMBERED) return;
      this.#written.delete(oldest);
    }
  }
}

function referenceTo(object: KubeObject): NonNullable<EventObject['involvedObject']> {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return {
    ...(object.apiVersion ? { apiVersion: object.apiVersion } : {}),
    ...(object.kind ? { kind: object.kind } : {}),
    name,
    ...(namespace ? { namespace } : {}),
    ...(uid ? { uid } : {}),
    ...(resourceVersion ? { resourceVersion } : {}),
  };
}
