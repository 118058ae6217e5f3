// SPDX-License-Identifier: Apache-2.0

/**
 * Events on objects (core/v1, which `kubectl describe` shows). What is said again about an object is not written again:
 * within the silence nothing at all, after it the count of the same Event grows. Writing is best effort and never holds
 * up the caller: Events wait behind all other API calls and are written one at a time, with a rest after each that is
 * as much longer as the server was slow: a burst of Services would otherwise make as many Events as status patches at
 * the same time, from several processes. Warnings go first: on a slow server a takeover of hundreds of VIPs is written
 * for minutes, and what is wrong must not wait for what is well.
 */

import { type Clock, sleep } from '@berth/runtime';
import type { KubeApi, NewObject } from './api.ts';
import type { ApiBudget } from './api-budget.ts';
import { classify, isKubeError, type KubeError } from './errors.ts';
import type { EventObject, KubeObject } from './object.ts';
import { events } from './resources.ts';

/** Events that wait to be written; more are dropped, and counted. */
const MAX_WAITING = 10_000;

/** After each Event the next one waits this many times as long as the write took. */
const REST_FACTOR = 9;

/** Longest rest, in milliseconds. */
const MAX_REST_MS = 5_000;

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
  readonly clock: Clock;
  readonly onError?: (error: KubeError) => void;
}

/** What happened to an object. */
export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, e.g. `IPAllocated`. */
  readonly reason: string;
  readonly message: string;
}

/** One Event that waits; the object itself is not kept alive. */
interface Waiting {
  readonly reference: Reference;
  readonly note: EventNote;
  readonly name: string;
  readonly count: number;
  /** When it was noted, as RFC 3339. */
  readonly time: string;
}

type Reference = NonNullable<EventObject['involvedObject']>;

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
  /** Each in the order in which they were noted. */
  readonly #waiting: Readonly<Record<EventNote['type'], Set<Waiting>>> = { Warning: new Set(), Normal: new Set() };
  readonly #stopper = new AbortController();
  /** Ends when nothing waits any more. */
  #writing: Promise<void> | undefined;
  #serial = 0;
  #dropped = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock;
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
    if (this.#waiting.Warning.size + this.#waiting.Normal.size >= MAX_WAITING) {
      this.#dropped += 1;
      return;
    }
    const name = before?.name ?? this.#newName(object);
    const count = (before?.count ?? 0) + 1;
    this.#remember(key, { name, at: now, count });
    const time = this.#clock.date().toISOString();
    this.#waiting[note.type].add({ reference: referenceTo(object), note, name, count, time });
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when everything noted so far is written or given up. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  /** Gives up what is not written yet. */
  async stop(): Promise<void> {
    this.#stopper.abort();
    await this.flush();
  }

  async #writeAll(): Promise<void> {
    const { signal } = this.#stopper;
    for (let event = this.#next(); event; event = this.#next()) {
      const startMs = this.#clock.now();
      if (!signal.aborted) await this.#write(event, signal);
      this.#waiting[event.note.type].delete(event);
      const restMs = Math.min(MAX_REST_MS, REST_FACTOR * (this.#clock.now() - startMs));
      if (restMs > 0 && this.#next()) await sleep(this.#clock, restMs, signal);
    }
    this.#writing = undefined;
  }

  #next(): Waiting | undefined {
    const [warning] = this.#waiting.Warning;
    const [normal] = this.#waiting.Normal;
    return warning ?? normal;
  }

  async #write(event: Waiting, signal: AbortSignal): Promise<void> {
    const call = () => (event.count > 1 ? this.#repeat(event) : this.#create(event));
    try {
      await this.#options.budget.run<unknown>(call, { priority: 'low', signal });
    } catch (error) {
      // Best effort: an Event that cannot be written (its namespace is going, the server is down) is lost.
      if (classify(error).action !== 'stop') this.#options.onError?.(error as KubeError);
    }
  }

  #create({ reference, note, name, count, time }: Waiting): Promise<unknown> {
    const { component, instance } = this.#options;
    const body: NewObject<EventObject> = {
      metadata: { namespace: reference.namespace ?? 'default', name },
      involvedObject: reference,
      type: note.type,
      reason: note.reason,
      message: note.message.slice(0, 1024),
      count,
      firstTimestamp: time,
      lastTimestamp: time,
      source: { component, host: instance },
      reportingComponent: component,
      reportingInstance: instance,
    };
    return this.#options.api.create(events, body, { signal: this.#stopper.signal });
  }

  // The API server forgets Events after an hour, and the first one may have been lost.
  async #repeat(event: Waiting): Promise<unknown> {
    const { reference, name, count, time } = event;
    const at = { namespace: reference.namespace ?? 'default', name };
    const body = { count, lastTimestamp: time };
    try {
      return await this.#options.api.patch(events, at, { type: 'merge', body }, { signal: this.#stopper.signal });
    } catch (error) {
      if (!isKubeError(error, 'not-found')) throw error;
      return this.#create(event);
    }
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

function referenceTo(object: KubeObject): Reference {
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
