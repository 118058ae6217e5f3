// SPDX-License-Identifier: Apache-2.0
/**
 * The annotations of a Service that name the pool of its address, for people and tools; never read back. Ours is always
 * there. MetalLB's stands beside it where something of MetalLB is used, since tools written for MetalLB read it; one
 * that MetalLB left behind is kept true.
 */
import type { Decision } from '../ipam/decision.ts';
import { usesMetallbSpelling } from '../service/annotations.ts';
import type { KubeService } from '../service/kube-service.ts';

/** The mark that names the pool of the address. */
export const ANNOTATION_POOL = 'berth.dev/ip-allocated-from-pool';

/** MetalLB's name of the mark. */
export const ANNOTATION_METALLB_POOL = 'metallb.io/ip-allocated-from-pool';

/** What MetalLB before 0.14 wrote; never written anew. */
const ANNOTATION_OLD_METALLB_POOL = 'metallb.universe.tf/ip-allocated-from-pool';

const OF_METALLB = [ANNOTATION_METALLB_POOL, ANNOTATION_OLD_METALLB_POOL] as const;

/** All marks that Berth writes or corrects. */
export const POOL_MARKS: readonly string[] = [ANNOTATION_POOL, ...OF_METALLB];

/** Annotations by name; undefined: not there. */
export type PoolMarks = Readonly<Record<string, string | undefined>>;

/**
 * The marks that the Service is to have by a decision. Those of MetalLB on a Service that MetalLB may serve are left
 * out: they stay.
 */
export function poolMarksOf(service: KubeService, decision: Decision): PoolMarks {
  const pools = [...new Set(decision.addresses.flatMap(({ pool }) => (pool === undefined ? [] : [pool])))];
  const text = pools.length === 0 ? undefined : pools.join(',');
  if (decision.isForeign) return { [ANNOTATION_POOL]: text };
  if (decision.addresses.length === 0) return { ...endedPoolMarks(service), [ANNOTATION_POOL]: undefined };
  const annotations = service.metadata?.annotations ?? {};
  const isUsed = usesMetallbSpelling(annotations) || decision.addresses.some(({ isOfMetallb }) => isOfMetallb);
  const present = OF_METALLB.filter((name) => Object.hasOwn(annotations, name));
  const names = isUsed ? [ANNOTATION_METALLB_POOL, ...present] : present;
  return { [ANNOTATION_POOL]: text, ...Object.fromEntries(names.map((name) => [name, text])) };
}

/**
 * The marks as they are to be on a Service that Berth no longer serves: MetalLB's go with ours, and stay where ours is
 * not.
 */
export function endedPoolMarks({ metadata }: KubeService): PoolMarks {
  const isOurs = Object.hasOwn(metadata?.annotations ?? {}, ANNOTATION_POOL);
  return Object.fromEntries((isOurs ? POOL_MARKS : []).map((name) => [name, undefined]));
}
