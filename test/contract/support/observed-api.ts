// SPDX-License-Identifier: Apache-2.0

// The API as one controller sees it: writes down its calls, and lets a test hold, fail or lose any of them.

import {
  compareVersions,
  type KubeApi,
  KubeError,
  type KubeObject,
  keyOf,
  type ListPage,
  type ObjectName,
  type Resource,
} from '@berth/kube';

export interface ApiCall {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'replace' | 'patch' | 'delete';
  /** Kind of the object. */
  readonly kind: string;
  readonly at: Partial<ObjectName>;
  readonly subresource?: string | undefined;
}

const WRITES: readonly string[] = ['create', 'replace', 'patch', 'delete'];

export class ObservedApi {
  readonly calls: ApiCall[] = [];
  /** Runs before a call is sent; what it throws is the call's failure, and nothing is sent. */
  before: (call: ApiCall) => void | Promise<void> = () => {};
  /** Runs after a call succeeded; what it throws is the call's failure: the answer is lost. */
  after: (call: ApiCall) => void | Promise<void> = () => {};
  /**
   * Runs for each object before the controller sees it, by watch, list or patch; "hide" keeps an event from the
   * controller.
   */
  onObject: (kind: string, object: KubeObject) => 'hide' | undefined = () => undefined;
  readonly api: KubeApi;
  /** Newest version of each object that the controller has taken in, by kind and key. */
  readonly #takenIn = new Map<string, string>();
  #isFrozen = false;

  constructor(real: KubeApi) {
    this.api = this.#wrap(real);
  }

  /** From now on every call hangs, as it does for a process that was stopped or lost its network; nothing is sent. */
  freeze(): void {
    this.#isFrozen = true;
    this.before = () => new Promise(() => {});
    this.onObject = () => 'hide';
  }

  /** Whether the controller has taken in this version of an object, or a newer one, or never will. */
  hasTakenIn(object: KubeObject): boolean {
    const version = this.#takenIn.get(placeOf(object.kind ?? '', object));
    return this.#isFrozen || (version !== undefined && compareVersions(version, object.metadata.resourceVersion) >= 0);
  }

  /** Calls that changed objects of a kind, or of any kind. */
  writes(kind?: string): ApiCall[] {
    return this.calls.filter((call) => WRITES.includes(call.verb) && (kind === undefined || call.kind === kind));
  }

  #wrap(real: KubeApi): KubeApi {
    const observe = async <R>(call: ApiCall, send: () => Promise<R>, signal?: AbortSignal): Promise<R> => {
      this.calls.push(call);
      await orAborted(this.before(call), signal);
      const result = await send();
      await orAborted(this.after(call), signal);
      return result;
    };
    return {
      get: (kind, at, options) =>
        observe({ verb: 'get', kind: kind.kind, at }, () => real.get(kind, at, options), options?.signal),
      list: (kind, options) =>
        observe(
          { verb: 'list', kind: kind.kind, at: {} },
          () => this.#shown(real.list(kind, options)),
          options?.signal,
        ),
      watch: <T extends KubeObject>(kind: Resource<T>, options: Parameters<KubeApi['watch']>[1]) =>
        this.#watch(real, kind, options),
      create: (kind, object, options) =>
        observe(
          { verb: 'create', kind: kind.kind, at: object.metadata },
          () => real.create(kind, object, options),
          options?.signal,
        ),
      replace: (kind, object, options) =>
        observe(
          { verb: 'replace', kind: kind.kind, at: object.metadata },
          () => real.replace(kind, object, options),
          options?.signal,
        ),
      patch: (kind, at, patch, options) =>
        observe(
          { verb: 'patch', kind: kind.kind, at, subresource: options?.subresource },
          () => real.patch(kind, at, patch, options).then((object) => this.#show(kind.kind, object)),
          options?.signal,
        ),
      delete: (kind, at, options) =>
        observe({ verb: 'delete', kind: kind.kind, at }, () => real.delete(kind, at, options), options?.signal),
    };
  }

  async #shown<T extends KubeObject>(page: Promise<ListPage<T>>): Promise<ListPage<T>> {
    const found = await page;
    for (const item of found.items) {
      this.#show(item.kind ?? '', item);
      this.#takeIn(item.kind ?? '', item);
    }
    return found;
  }

  #show<T extends KubeObject>(kind: string, object: T): T {
    this.onObject(kind, object);
    return object;
  }

  async *#watch<T extends KubeObject>(real: KubeApi, kind: Resource<T>, options: Parameters<KubeApi['watch']>[1]) {
    const call: ApiCall = { verb: 'watch', kind: kind.kind, at: {} };
    this.calls.push(call);
    await orAborted(this.before(call), options.signal);
    for await (const event of real.watch(kind, options)) {
      if (event.type !== 'BOOKMARK' && this.onObject(kind.kind, event.object) === 'hide') continue;
      yield event;
      // Who asks for the next event is done with this one.
      if (event.type !== 'BOOKMARK') this.#takeIn(kind.kind, event.object);
    }
  }

  #takeIn(kind: string, object: KubeObject): void {
    this.#takenIn.set(placeOf(kind, object), object.metadata.resourceVersion ?? '');
  }
}

function placeOf(kind: string, object: KubeObject): string {
  return `${kind} ${keyOf(object)}`;
}

/** Waits for a hook, and no longer than until the caller gives the call up. */
async function orAborted(hook: void | Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  const aborted = new Promise<never>((_, reject) => {
    const stop = () => reject(new KubeError('aborted', 'observed: stopped by the caller'));
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
  });
  await Promise.race([hook, aborted]);
}
