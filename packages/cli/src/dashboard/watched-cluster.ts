// SPDX-License-Identifier: Apache-2.0
/** The objects that the page shows, kept as the API server has them: listed once, then watched. */
import type { ClusterObjects } from '@berth/core';
import {
  configMaps,
  type EventObject,
  endpointSlices,
  events,
  isKubeError,
  type KubeApi,
  type KubeError,
  type KubeObject,
  keyOf,
  leases,
  namespaces,
  nodes,
  Reflector,
  type Resource,
  type Selection,
  Store,
  serviceCidrs,
  services,
} from '@berth/kube';
import type { Clock } from '@berth/runtime';
import type { ClusterOptions } from '../operation.ts';

/**
 * The server sends bookmarks about once a minute; a watch that is silent for longer than that is made anew, in
 * milliseconds.
 */
const STALE_AFTER_MS = 90_000;
/**
 * The leader and every node renew their Leases in ten seconds at most: a silent watch of them is noticed before they
 * count as silent.
 */
const LEASES_STALE_AFTER_MS = 25_000;

export interface WatchedClusterOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly cluster: ClusterOptions;
  /** Called with each object that is different. */
  readonly onChange: () => void;
  /** Called for each attempt that failed, but for optional kinds that this person may not read at all. */
  readonly onError: (error: KubeError) => void;
  /** Called with what cannot be shown, in words. */
  readonly onRemark: (text: string) => void;
}

/** A kind that is watched. */
interface Watched {
  readonly reflector: Reflector<KubeObject>;
  readonly store: Store<KubeObject>;
  /** Resolves when it is listed, or may not be. */
  readonly settled: Promise<void>;
}

export class WatchedCluster {
  readonly #options: WatchedClusterOptions;
  readonly #watched: readonly Watched[];
  readonly #services: Store<KubeObject>;
  readonly #nodes: Store<KubeObject>;
  readonly #namespaces: Store<KubeObject>;
  readonly #leases: Store<KubeObject>;
  readonly #configMaps: Store<KubeObject>;
  readonly #slices: Store<KubeObject>;
  readonly #cidrs: Store<KubeObject>;
  readonly #events: Store<KubeObject>;

  constructor(options: WatchedClusterOptions) {
    this.#options = options;
    const own: Selection = { namespace: options.cluster.berthNamespace };
    const watched: Watched[] = [];
    const watch = (kind: Resource<KubeObject>, how: 'needed' | 'optional', selection: Selection = {}) => {
      const one = this.#watch(kind, how, selection);
      watched.push(one);
      return one.store;
    };
    this.#leases = watch(leases, 'needed', own);
    this.#services = watch(services, 'needed');
    this.#nodes = watch(nodes, 'needed');
    this.#configMaps = watch(configMaps, 'needed', own);
    this.#namespaces = watch(namespaces, 'needed');
    this.#slices = watch(endpointSlices, 'optional');
    // Kubernetes before 1.33 knows no such kind.
    this.#cidrs = watch(serviceCidrs, 'optional');
    this.#events = watch(events, 'optional', { fieldSelector: 'involvedObject.kind=Service' });
    this.#watched = watched;
  }

  /** Resolves when all is listed that can be; rejects where a needed kind cannot be read at once. */
  async start(): Promise<void> {
    for (const { reflector } of this.#watched) reflector.start();
    await Promise.all(this.#watched.map(({ settled }) => settled));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#watched.map(({ reflector }) => reflector.stop()));
  }

  /** Reads everything anew; whether that went well, but for what may not be read any more. */
  async refresh(signal: AbortSignal): Promise<boolean> {
    const listed = this.#watched.filter(({ reflector }) => reflector.hasSynced);
    const results = await Promise.allSettled(listed.map(({ reflector }) => reflector.refresh(signal)));
    return results.every((one) => one.status === 'fulfilled' || isKubeError(one.reason, 'forbidden'));
  }

  /** Everything as of this moment. */
  objects(): ClusterObjects {
    const { cluster, clock } = this.#options;
    return {
      nowMs: clock.date().getTime(),
      berthNamespace: cluster.berthNamespace,
      loadBalancerClass: cluster.loadBalancerClass,
      services: valuesOf(this.#services),
      nodes: valuesOf(this.#nodes),
      namespaces: valuesOf(this.#namespaces),
      leases: valuesOf(this.#leases),
      configMaps: valuesOf(this.#configMaps),
      endpointSlices: valuesOf(this.#slices),
      serviceCidrs: valuesOf<{ readonly spec?: { readonly cidrs?: readonly string[] } }>(this.#cidrs).flatMap(
        ({ spec }) => spec?.cidrs ?? [],
      ),
    };
  }

  /** The Events about a Service that came from Berth, newest first. */
  eventsOf(service: string): readonly EventObject[] {
    const isAbout = ({ involvedObject, source }: EventObject) =>
      `${involvedObject.namespace}/${involvedObject.name}` === service && source?.component?.startsWith('berth-');
    const timeOf = ({ lastTimestamp, metadata }: EventObject) => lastTimestamp ?? metadata.creationTimestamp ?? '';
    return valuesOf<EventObject>(this.#events)
      .filter(isAbout)
      .sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1));
  }

  #watch(kind: Resource<KubeObject>, how: 'needed' | 'optional', selection: Selection): Watched {
    const { api, clock, onChange, onError, onRemark } = this.#options;
    const store = new Store<KubeObject>();
    store.subscribe(onChange);
    let end: (error?: KubeError) => void = () => {};
    let isStaleTold = false;
    const ended = new Promise<void>((resolve, reject) => {
      end = (error) => (error === undefined ? resolve() : reject(error));
    });
    const reflector: Reflector<KubeObject> = new Reflector({
      ...{ api, clock, kind, store, selection },
      staleAfterMs: kind === leases ? LEASES_STALE_AFTER_MS : STALE_AFTER_MS,
      onError: (error) => {
        if (reflector.hasSynced) {
          if (error.code === 'forbidden' && !isStaleTold)
            onRemark(`shown as they were, since you may not watch them now: ${kind.plural}`);
          isStaleTold ||= error.code === 'forbidden';
          return onError(error);
        }
        // The command fails with what is wrong when it has just been typed; a page that is open waits.
        if (how === 'needed') return end(error);
        if (error.code !== 'forbidden' && error.code !== 'not-found') return onError(error);
        // It is not asked for again and again: rights seldom change while a page is open.
        if (error.code === 'forbidden') onRemark(`not shown, since you may not watch them: ${kind.plural}`);
        void reflector.stop();
        end();
      },
    });
    return { reflector, store, settled: Promise.race([reflector.ready, ended]) };
  }
}

/**
 * The shapes of client-node and those that core reads are the same objects. Ordered, so that equal states make equal
 * reports.
 */
function valuesOf<T>(store: Store<KubeObject>): T[] {
  const sorted = [...store.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return sorted as unknown as T[];
}
