// SPDX-License-Identifier: Apache-2.0

// The API as one controller sees it: writes down its calls, and lets a test hold, fail or lose any of them.

import type { KubeApi, KubeObject, ObjectName, Resource } from '@berth/kube';

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
  /** Runs for each event of a watch before the controller sees it. */
  onEvent: (kind: string, object: KubeObject) => void | Promise<void> = () => {};
  readonly api: KubeApi;

  constructor(real: KubeApi) {
    this.api = this.#wrap(real);
  }

  /** Calls that changed objects of a kind, or of any kind. */
  writes(kind?: string): ApiCall[] {
    return this.calls.filter((call) => WRITES.includes(call.verb) && (kind === undefined || call.kind === kind));
  }

  #wrap(real: KubeApi): KubeApi {
    const observe = async <R>(call: ApiCall, send: () => Promise<R>): Promise<R> => {
      this.calls.push(call);
      await this.before(call);
      const result = await send();
      await this.after(call);
      return result;
    };
    return {
      get: (kind, at, options) => observe({ verb: 'get', kind: kind.kind, at }, () => real.get(kind, at, options)),
      list: (kind, options) => observe({ verb: 'list', kind: kind.kind, at: {} }, () => real.list(kind, options)),
      watch: <T extends KubeObject>(kind: Resource<T>, options: Parameters<KubeApi['watch']>[1]) =>
        this.#watch(real, kind, options),
      create: (kind, object, options) =>
        observe({ verb: 'create', kind: kind.kind, at: object.metadata }, () => real.create(kind, object, options)),
      replace: (kind, object, options) =>
        observe({ verb: 'replace', kind: kind.kind, at: object.metadata }, () => real.replace(kind, object, options)),
      patch: (kind, at, patch, options) =>
        observe({ verb: 'patch', kind: kind.kind, at, subresource: options?.subresource }, () =>
          real.patch(kind, at, patch, options),
        ),
      delete: (kind, at, options) =>
        observe({ verb: 'delete', kind: kind.kind, at }, () => real.delete(kind, at, options)),
    };
  }

  async *#watch<T extends KubeObject>(real: KubeApi, kind: Resource<T>, options: Parameters<KubeApi['watch']>[1]) {
    const call: ApiCall = { verb: 'watch', kind: kind.kind, at: {} };
    this.calls.push(call);
    await this.before(call);
    for await (const event of real.watch(kind, options)) {
      if (event.type !== 'BOOKMARK') await this.onEvent(kind.kind, event.object);
      yield event;
    }
  }
}
