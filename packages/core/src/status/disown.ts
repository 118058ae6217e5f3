// SPDX-License-Identifier: Apache-2.0
/** Gives a Service back to another LoadBalancer: its addresses stay, and Berth says no more that it gave them. */

import type { KubeService } from '../service/kube-service.ts';
import type { LoadBalancerClassRule } from '../service/load-balancer-class.ts';
import { ANNOTATION_POOL } from './pool-marks.ts';
import { bearsMarks } from './removal-patch.ts';
import { FINALIZER, OUR_CONDITIONS, type ServicePatch } from './service-patch.ts';

/**
 * The patch, or undefined where this installation gave nothing. Speakers fall silent for the addresses when they see
 * it.
 */
export function disownPatch(service: KubeService, rule: LoadBalancerClassRule): ServicePatch | undefined {
  if (!bearsMarks(service, rule)) return undefined;
  const { resourceVersion, finalizers = [], annotations = {} } = service.metadata ?? {};
  const conditions = service.status?.conditions ?? [];
  return {
    metadata: {
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      finalizers: finalizers.filter((finalizer) => finalizer !== FINALIZER),
      ...(annotations[ANNOTATION_POOL] === undefined ? {} : { annotations: { [ANNOTATION_POOL]: null } }),
    },
    status: { conditions: conditions.filter(({ type }) => !OUR_CONDITIONS.includes(type)) },
  };
}
