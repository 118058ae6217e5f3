// SPDX-License-Identifier: Apache-2.0
/** Which Services are ours: type LoadBalancer, and the class that this installation serves. */
import type { KubeService } from './kube-service.ts';

/** The class that is ours, and the only one for which a Service without a class is ours too. */
export const DEFAULT_LOAD_BALANCER_CLASS = 'berth.dev/l2';

export interface LoadBalancerClassRule {
  readonly loadBalancerClass: string;
  /** Whether a Service without a class is ours. */
  readonly acceptsAbsent: boolean;
}

/**
 * The rule that the flag `--load-balancer-class` stands for: any class but the default excludes Services without one.
 */
export function loadBalancerClassRule(flag: string = DEFAULT_LOAD_BALANCER_CLASS): LoadBalancerClassRule {
  return { loadBalancerClass: flag, acceptsAbsent: flag === DEFAULT_LOAD_BALANCER_CLASS };
}

/** Whether the Service is a LoadBalancer of our class. A Service that is being deleted still is. */
export function isOurs(service: KubeService, rule: LoadBalancerClassRule): boolean {
  if (service.spec?.type !== 'LoadBalancer') return false;
  const loadBalancerClass = service.spec.loadBalancerClass ?? '';
  return loadBalancerClass === '' ? rule.acceptsAbsent : loadBalancerClass === rule.loadBalancerClass;
}
