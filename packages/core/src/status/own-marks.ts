// SPDX-License-Identifier: Apache-2.0
/**
 * What Berth writes into a Service, part by part, so that a part that somebody else changed since can be recognised.
 * Pure.
 */
import { PREFIXES } from '../service/annotations.ts';
import type { KubeCondition, KubeService } from '../service/kube-service.ts';
import { POOL_MARKS } from './pool-marks.ts';
import { FINALIZER, OUR_CONDITIONS, type ServicePatch } from './service-patch.ts';

/** The parts: `ingress`, `finalizer`, `pool`, and each type of our conditions. */
export type OwnPart = string;

/** All parts there are. */
export const OWN_PARTS: readonly OwnPart[] = ['ingress', 'finalizer', 'pool', ...OUR_CONDITIONS];

/**
 * Part by part as text; times are left out. Equal texts mean that nothing was changed which Berth would change back.
 */
export function ownMarksOf({ metadata, status }: KubeService): ReadonlyMap<OwnPart, string> {
  return new Map([
    ['ingress', JSON.stringify(status?.loadBalancer?.ingress ?? [])],
    ['finalizer', String(metadata?.finalizers?.includes(FINALIZER) ?? false)],
    ['pool', POOL_MARKS.map((name) => metadata?.annotations?.[name] ?? '').join(' ')],
    ...OUR_CONDITIONS.map((type) => [type, wordsOf(status?.conditions, type)] as const),
  ]);
}

/** The parts of the Service that the patch would change. */
export function partsChangedBy(service: KubeService, { metadata, status }: ServicePatch): ReadonlySet<OwnPart> {
  const { conditions } = status ?? {};
  const changed = conditions
    ? OUR_CONDITIONS.filter((type) => wordsOf(conditions, type) !== wordsOf(service.status?.conditions, type))
    : [];
  return new Set([
    ...(status?.loadBalancer === undefined ? [] : ['ingress']),
    ...(metadata.finalizers === undefined ? [] : ['finalizer']),
    ...(POOL_MARKS.some((name) => Object.hasOwn(metadata.annotations ?? {}, name)) ? ['pool'] : []),
    ...changed,
  ]);
}

/** All that users say of a Service and Berth reads, as text; what Berth itself writes there is left out. */
export function wishesOf({ metadata, spec }: KubeService): string {
  const { uid, deletionTimestamp, labels, annotations = {} } = metadata ?? {};
  const isRead = (name: string) => !POOL_MARKS.includes(name) && PREFIXES.some((prefix) => name.startsWith(prefix));
  const read = Object.entries(annotations).filter(([name]) => isRead(name));
  return JSON.stringify([uid, deletionTimestamp, labels, read.sort(), spec]);
}

function wordsOf(conditions: readonly KubeCondition[] | undefined, wanted: string): string {
  const found = conditions?.find(({ type }) => type === wanted);
  return found === undefined ? '' : JSON.stringify([found.status, found.reason, found.message]);
}
