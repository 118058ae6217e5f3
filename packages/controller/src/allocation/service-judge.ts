// SPDX-License-Identifier: Apache-2.0
/** What is to become of each Service of a batch: it is gone, leaves, waits, or gets its addresses decided. */
import {
  type Allocator,
  compareText,
  departingOf,
  includesAddress,
  isOurs,
  type LoadBalancerClassRule,
  readServiceRequest,
  type ServiceKey,
  type SharingTerms,
  shownAddressesOf,
  usageOf,
} from '@berth/core';
import type { Service } from '@berth/kube';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { ServiceTask } from './round.ts';

export interface ServiceJudgeOptions {
  readonly view: Pick<ClusterView, 'services'>;
  readonly classRule: LoadBalancerClassRule;
}

/** Undefined: there is no Service of this key. */
interface ServiceOfKey {
  readonly key: ServiceKey;
  readonly service: Service | undefined;
}

interface JudgedService extends ServiceOfKey {
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

export class ServiceJudge {
  readonly #options: ServiceJudgeOptions;

  constructor(options: ServiceJudgeOptions) {
    this.#options = options;
  }

  /** What the Service shares by now; undefined where its wishes cannot be read. */
  termsNow(key: ServiceKey): SharingTerms | undefined {
    const service = this.#options.view.services.get(key);
    const request = service && this.#isStaying(service) ? readServiceRequest(service) : undefined;
    return request?.refusal === undefined ? request?.sharing : undefined;
  }

  /** What becomes free goes first, then the oldest. */
  inOrder(keys: ReadonlySet<ServiceKey>): readonly ServiceOfKey[] {
    const items = [...keys].map((key) => {
      const service = this.#options.view.services.get(key);
      const isStaying = service !== undefined && this.#isStaying(service);
      return { key, service, rank: isStaying ? (service.metadata.creationTimestamp ?? '') : '' };
    });
    return items.sort((a, b) => compareText(a.rank, b.rank) || compareText(a.key, b.key));
  }

  #isStaying(service: Service): boolean {
    return isOurs(service, this.#options.classRule) && service.metadata.deletionTimestamp === undefined;
  }

  /** Decides in the draft of the allocator. */
  judge(allocator: Allocator, { key, service, nowMs }: JudgedService): ServiceTask {
    if (service === undefined) {
      allocator.release(key, nowMs);
      return { kind: 'gone' };
    }
    if (!this.#isStaying(service)) return this.#judgeLeaving(allocator, { key, service, nowMs });
    const request = readServiceRequest(service, this.#options.classRule);
    // No cluster IP yet: nothing to do and nothing to warn about.
    if (request === undefined) return { kind: 'wait' };
    return { kind: 'assign', service, decision: allocator.decide(request, nowMs) };
  }

  #judgeLeaving(
    allocator: Allocator,
    { key, service, nowMs }: JudgedService & { readonly service: Service },
  ): ServiceTask {
    if (isServedUnderOtherClass(service, this.#options.classRule)) return { kind: 'wait' };
    const shown = shownAddressesOf(service);
    const isShown = allocator.addressesOf(key).some((address) => includesAddress(shown, address));
    if (!isShown) allocator.release(key, nowMs);
    const held = allocator.addressesOf(key);
    return { kind: 'remove', service, held, isOurs: isOurs(service, this.#options.classRule) };
  }

  /** For the adoption of what statuses show. */
  all() {
    const requests = [];
    const departing = [];
    for (const service of this.#options.view.services.values()) {
      const request = this.#isStaying(service) ? readServiceRequest(service, this.#options.classRule) : undefined;
      if (request === undefined) departing.push(departingOf(service, this.#options.classRule));
      else requests.push(request);
    }
    return { requests, departing };
  }
}

/**
 * Whether Berth served the Service under another class than this installation has. Then the option was changed and not
 * the Service: its address stays as it is, so that a slip of the pen empties no status.
 */
function isServedUnderOtherClass(service: Service, rule: LoadBalancerClassRule): boolean {
  const usage = usageOf(service);
  const isLive = service.metadata.deletionTimestamp === undefined && service.spec?.type === 'LoadBalancer';
  return isLive && usage !== undefined && usage.given.length > 0 && usage.loadBalancerClass !== rule.loadBalancerClass;
}
