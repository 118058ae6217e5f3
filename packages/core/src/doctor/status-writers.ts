// SPDX-License-Identifier: Apache-2.0
/** Who wrote the addresses of the Services that are ours, by what the API server keeps about the writers of fields. */

import { timeText } from '../history/time-text.ts';
import type { ClusterFacts } from '../report/cluster-facts.ts';
import { serviceKeyOf } from '../service/kube-service.ts';
import { isOurs } from '../service/load-balancer-class.ts';
import { ownAddressesOf, shownAddressesOf } from '../service/usage.ts';
import { type Finding, findingOf, servicesText } from './finding.ts';
import type { DoctorObjects, KubeManagedFields } from './objects.ts';

/** As the API server calls Berth: the first word of its user agents. */
const OWN_MANAGERS = new Set(['berth-controller', 'kubectl-berth', 'berth']);

/** Who wrote so lately is at it still, in milliseconds. */
const FIGHTS_FOR_MS = 3_600_000;

/** The part of an entry that says which fields were written. */
interface Fields {
  readonly 'f:status'?: { readonly 'f:loadBalancer'?: object; readonly 'f:conditions'?: object };
}

/** One finding for each other writer: who gives is no mishap of one Service. */
export function statusWriters({ services, rule, objects }: ClusterFacts, { written }: DoctorObjects): Finding[] {
  const entries = new Map(written.map((one) => [serviceKeyOf(one), one.metadata.managedFields ?? []]));
  const [gave, fights] = [new Map<string, Written[]>(), new Map<string, Written[]>()];
  for (const service of services) {
    if (!isOurs(service, rule) || shownAddressesOf(service).length === 0) continue;
    const key = serviceKeyOf(service);
    const isGivenByUs = ownAddressesOf(service, rule).length > 0;
    for (const { manager, atMs } of othersOf(entries.get(key) ?? [], isGivenByUs ? 'after us' : 'at any time')) {
      const list = isGivenByUs ? fights : gave;
      list.set(manager, [...(list.get(manager) ?? []), { key, atMs }]);
    }
  }
  return [
    ...[...gave].map(([manager, all]) => givenBy(manager, all)),
    ...[...fights].map(([manager, all]) => foughtBy(manager, all, objects.nowMs)),
  ];
}

/** A Service of which somebody wrote the addresses, and when that was. */
interface Written {
  readonly key: string;
  readonly atMs: number;
}

function givenBy(manager: string, all: readonly Written[]): Finding {
  const keys = all.map(({ key }) => key);
  return findingOf({
    ...{ kind: 'other-writer', severity: 'warning', about: [manager], services: keys, page: 'docs/moving/README.md' },
    text: `${servicesText(keys.length)} ${keys.length === 1 ? 'shows' : 'show'} what "${manager}" wrote, ${keys[0]} first`,
    command: 'kubectl berth preview my-pools.yaml',
  });
}

/** Who wrote once, long ago, and not since then takes no address away any more. */
function foughtBy(manager: string, all: readonly Written[], nowMs: number): Finding {
  const keys = all.map(({ key }) => key);
  const [namespace, name] = keys[0]?.split('/') ?? [];
  const lastMs = Math.max(...all.map(({ atMs }) => atMs));
  return findingOf({
    ...{ kind: 'second-writer', severity: nowMs - lastMs < FIGHTS_FOR_MS ? 'critical' : 'info' },
    ...{ about: [manager], services: keys },
    text: `"${manager}" wrote the addresses of ${servicesText(keys.length)} after Berth, ${keys[0]} first, last at ${timeText(lastMs)}`,
    command: `kubectl -n ${namespace} get service ${name} -o yaml --show-managed-fields`,
    page: 'docs/ipam.md',
  });
}

/**
 * Managers that wrote the addresses. Where Berth took an address over as it was, the API server goes on naming the one
 * that wrote it before, so only what is later than Berth's own last word counts there.
 */
function othersOf(
  entries: readonly KubeManagedFields[],
  when: 'after us' | 'at any time',
): { readonly manager: string; readonly atMs: number }[] {
  const status = entries.filter(({ fieldsV1 }) => (fieldsV1 as Fields | undefined)?.['f:status'] !== undefined);
  const own = status.filter(({ manager = '' }) => OWN_MANAGERS.has(manager)).map(({ time }) => Date.parse(time ?? ''));
  const sinceMs = when === 'after us' ? Math.max(...own, Number.NEGATIVE_INFINITY) : Number.NEGATIVE_INFINITY;
  const others = status.filter(
    ({ manager = '', time = '', fieldsV1 }) =>
      !OWN_MANAGERS.has(manager) &&
      (fieldsV1 as Fields)['f:status']?.['f:loadBalancer'] !== undefined &&
      (Date.parse(time) || 0) > sinceMs,
  );
  const byManager = Map.groupBy(others, ({ manager = 'unknown' }) => manager);
  const latest = (list: readonly KubeManagedFields[]) =>
    Math.max(...list.map(({ time = '' }) => Date.parse(time) || 0));
  return [...byManager].map(([manager, list]) => ({ manager, atMs: latest(list) }));
}
