// SPDX-License-Identifier: Apache-2.0
/**
 * On which nodes a Service has endpoints, for `externalTrafficPolicy: Local`. EndpointSlices are watched only once a
 * Service with that policy was seen: most clusters have none, and the slices of all Services would cost memory and
 * traffic on each node.
 */
import { type EndpointSliceFacts, nodesWithEndpoint, type ServiceKey } from '@berth/core';
import {
  type EndpointSlice,
  endpointSlices,
  type KubeApi,
  type KubeError,
  Reflector,
  Store,
  type StoreEvent,
} from '@berth/kube';
import { type Clock, Signal, sleep } from '@berth/runtime';

/** Names the Service of a slice. */
const SERVICE_LABEL = 'kubernetes.io/service-name';

const NO_NODES: ReadonlySet<string> = new Set();

export interface EndpointWatchOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
}

export class EndpointWatch {
  readonly name = 'endpoints';
  /** The nodes of a Service have changed. */
  readonly changes = new Signal();
  /** The watch failed. */
  readonly failures = new Signal<[error: KubeError, retryInMs: number]>();
  readonly #options: EndpointWatchOptions;
  readonly #store = new Store<EndpointSlice, 'service'>({ service: (slice) => serviceOf(slice) });
  #reflector: Reflector<EndpointSlice> | undefined;
  /** Whether everything was listed once. What is known stays while it is read again. */
  #isKnown = false;
  /** What is said of any Service until then. */
  #unknown: ReadonlySet<string> | undefined;

  constructor(options: EndpointWatchOptions) {
    this.#options = options;
    this.#store.subscribe((event) => {
      if (isNews(event)) this.changes.emit();
    });
  }

  /** Resolves when everything was listed once, at once while nothing is watched or where a speaker knew it before. */
  get ready(): Promise<void> {
    return this.#isKnown ? Promise.resolve() : (this.#reflector?.ready ?? Promise.resolve());
  }

  /**
   * Waits as {@link ready} does, but no longer than this, in milliseconds: VIPs whose endpoints do not matter must not
   * wait for slices that cannot be read. From then on a Service has endpoints on no node until they are known: this
   * node has owned nothing so far, and takes nothing blindly.
   */
  async readyWithin(atMostMs: number): Promise<'known' | 'unknown'> {
    const patience = new AbortController();
    const { clock } = this.#options;
    const late = sleep(clock, atMostMs, patience.signal).then(() => 'unknown' as const);
    const outcome = await Promise.race([this.ready.then(() => 'known' as const), late]);
    patience.abort();
    this.#unknown = outcome === 'unknown' ? NO_NODES : undefined;
    return outcome;
  }

  /** What is known, to be saved; undefined while nothing is. */
  get known(): readonly EndpointSlice[] | undefined {
    return this.#isKnown ? [...this.#store.values()] : undefined;
  }

  /** Begins with what a speaker knew before; a list of the API server takes its place. */
  remember(slices: readonly EndpointSlice[]): void {
    if (this.#isKnown) return;
    this.#store.replaceAll(slices);
    this.#isKnown = true;
  }

  /** Begins to watch; further calls do nothing. */
  begin(): void {
    if (!this.#reflector) void this.#read();
  }

  /** Names of the nodes with a usable endpoint of the Service; undefined while that is not known. */
  nodesOf(service: ServiceKey): ReadonlySet<string> | undefined {
    if (!this.#isKnown) return this.#unknown;
    return nodesWithEndpoint(this.#store.by('service', service));
  }

  /** Reads everything again; what is known stays until then. */
  async relist(): Promise<void> {
    if (!this.#reflector) return;
    await this.#reflector.stop();
    await this.#read();
  }

  async stop(): Promise<void> {
    await this.#reflector?.stop();
  }

  // The new one is the one to stop from the first moment: it may wait for the API server when it is to be read again.
  async #read(): Promise<void> {
    const reflector = this.#newReflector();
    this.#reflector = reflector;
    reflector.start();
    await reflector.ready;
    const wasKnown = this.#isKnown;
    this.#isKnown = true;
    // A Service without any endpoint is known to have none from now on.
    if (!wasKnown) this.changes.emit();
  }

  #newReflector(): Reflector<EndpointSlice> {
    const { api, clock } = this.#options;
    return new Reflector<EndpointSlice>({
      ...{ api, clock },
      onError: (error, retryInMs) => this.failures.emit(error, retryInMs),
      kind: endpointSlices,
      store: this.#store,
      selection: { labelSelector: SERVICE_LABEL },
      transform: trimSlice,
    });
  }
}

/** Of a slice nothing is kept but its Service and, once each, the nodes on which it has something that serves. */
export function trimSlice({ metadata, ...slice }: EndpointSlice): EndpointSlice {
  const { name, namespace = '', resourceVersion = '', labels } = metadata;
  const nodes = nodesWithEndpoint([slice as EndpointSliceFacts]);
  return {
    metadata: { name, namespace, resourceVersion, labels: { [SERVICE_LABEL]: labels?.[SERVICE_LABEL] ?? '' } },
    addressType: '',
    endpoints: [...nodes].sort().map((nodeName) => ({ addresses: NO_ADDRESSES, nodeName })),
  };
}

const NO_ADDRESSES: readonly string[] = [];

function serviceOf({ metadata }: EndpointSlice): string[] {
  return [`${metadata.namespace}/${metadata.labels?.[SERVICE_LABEL]}`];
}

// A pod that is replaced by another one on its node changes nothing here.
function isNews(event: StoreEvent<EndpointSlice>): boolean {
  const nodesIn = ({ endpoints = [] }: EndpointSlice) => endpoints.map(({ nodeName }) => nodeName).join(' ');
  if (event.type === 'updated') return nodesIn(event.previous) !== nodesIn(event.object);
  return nodesIn(event.object) !== '';
}
