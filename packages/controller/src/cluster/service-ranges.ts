// SPDX-License-Identifier: Apache-2.0
/**
 * The ranges of Services, watched where the API server tells them (ServiceCIDR objects, Kubernetes 1.33 and later). One
 * that does not know the kind, or does not let us read it, is asked again now and then, since servers are upgraded and
 * rights are given.
 */
import {
  isKubeError,
  type KubeApi,
  type KubeError,
  Reflector,
  type ServiceCidr,
  Store,
  serviceCidrs,
} from '@berth/kube';
import { type Clock, Signal, type Task, type Timer } from '@berth/runtime';

/** So long after the API server said that there are none to be read it is asked again, in milliseconds. */
const ASK_AGAIN_MS = 600_000;

export interface ServiceRangesOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
}

export class ServiceRanges implements Task {
  readonly name = 'ranges of Services';
  /** Each failure of a server that knows the kind. */
  readonly failures = new Signal<[error: KubeError, retryInMs: number]>();
  /** Resolves when the ranges are known, or the API server was asked once in vain. */
  readonly ready: Promise<void>;
  readonly store = new Store<ServiceCidr>();
  readonly #options: ServiceRangesOptions;
  #markReady: () => void = () => {};
  #reflector: Reflector<ServiceCidr> | undefined;
  #timer: Timer | undefined;
  #isStopped = false;
  /** Ends when reflectors that were given up have ended. */
  #ending: Promise<unknown> = Promise.resolve();

  constructor(options: ServiceRangesOptions) {
    this.#options = options;
    this.ready = new Promise((resolve) => {
      this.#markReady = resolve;
    });
  }

  start(): void {
    const { api, clock } = this.#options;
    const reflector = new Reflector<ServiceCidr>({
      ...{ api, clock, kind: serviceCidrs, store: this.store },
      onError: (error, retryInMs) => this.#failed(error, retryInMs),
    });
    this.#reflector = reflector;
    void reflector.ready.then(this.#markReady);
    reflector.start();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await Promise.all([this.#ending, this.#reflector?.stop()]);
  }

  // What was known stays: an API server that fails for a moment has not lost its ranges.
  #failed(error: KubeError, retryInMs: number): void {
    this.#markReady();
    if (!isKubeError(error, 'not-found', 'forbidden')) {
      this.failures.emit(error, retryInMs);
      return;
    }
    if (this.#isStopped || this.#reflector === undefined) return;
    this.#ending = Promise.all([this.#ending, this.#reflector.stop()]);
    this.#reflector = undefined;
    this.#timer = this.#options.clock.after(ASK_AGAIN_MS, () => this.start());
  }
}
