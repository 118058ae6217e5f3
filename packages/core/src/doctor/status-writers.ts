// SPDX-License-Identifier: Apache-2.0
/** Who wrote the addresses of the Services that are ours, by what the API server keeps about the writers of fields. */

import type { ClusterFacts } from '../report/cluster-facts.ts';
import { serviceKeyOf } from '../service/kube-service.ts';
import { isOurs } from '../service/load-balancer-class.ts';
import { ownAddressesOf, shownAddressesOf } from '../service/usage.ts';
import { type Finding, findingOf, servicesText } from './finding.ts';
import type { DoctorObjects, KubeManagedFields } from './objects.ts';

/** As the API server calls Berth: the first word of its user agents. */
const OWN_MANAGERS = new Set(['berth-controller', 'kubectl-berth', 'berth']);

/** The part of an entry that says which fields were written. */
interface Fields {
  readonly 'f:status'?: { readonly 'f:loadBalancer'?: object; readonly 'f:conditions'?: object };
}

/** One finding for each other writer: who gives is no mishap of one Service. */
export function statusWriters({ services, rule }: ClusterFacts, { written }: DoctorObjects): Finding[] {
  const entries = new Map(written.map((one) => [serviceKeyOf(one), one.metadata.managedFields ?? []]));
  const [gave, fights] = [new Map<string, string[]>(), new Map<string, string[]>()];
  for (const service of services) {
    if (!isOurs(service, rule) || shownAddressesOf(service).length === 0) continue;
    const key = serviceKeyOf(service);
    const isGivenByUs = ownAddressesOf(service, rule).length > 0;
    for (const manager of othersOf(entries.get(key) ?? [], isGivenByUs ? 'after us' : 'at any time')) {
      const list = isGivenByUs ? fights : gave;
      list.set(manager, [...(list.get(manager) ?? []), key]);
    }
  }
  return [
    ...[...gave].map(([manager, keys]) =>
      findingOf({
        ...{
          kind: 'other-writer',
          severity: 'warning',
          about: [manager],
          services: keys,
          page: 'docs/moving/README.md',
        },
        text: `${servicesText(keys.length)} ${keys.length === 1 ? 'shows' : 'show'} what "${manager}" wrote, ${keys[0]} first`,
        command: 'kubectl berth preview my-pools.yaml',
      }),
    ),
    ...[...fights].map(([manager, keys]) =>
      findingOf({
        ...{ kind: 'second-writer', severity: 'critical', about: [manager], services: keys },
        text: `"${manager}" wrote the addresses of ${servicesText(keys.length)} after Berth, ${keys[0]} first`,
        command: `kubectl -n ${keys[0]?.split('/')[0]} get service ${keys[0]?.split('/')[1]} -o yaml --show-managed-fields`,
        page: 'docs/ipam.md',
      }),
    ),
  ];
}

/**
 * Managers that wrote the addresses. Where Berth took an address over as it was, the API server goes on naming the one
 * that wrote it before, so only what is later than Berth's own last word counts there.
 */
function othersOf(entries: readonly KubeManagedFields[], when: 'after us' | 'at any time'): string[] {
  const status = entries.filter(({ fieldsV1 }) => (fieldsV1 as Fields | undefined)?.['f:status'] !== undefined);
  const own = status.filter(({ manager = '' }) => OWN_MANAGERS.has(manager)).map(({ time }) => Date.parse(time ?? ''));
  const sinceMs = when === 'after us' ? Math.max(...own, Number.NEGATIVE_INFINITY) : Number.NEGATIVE_INFINITY;
  const others = status.filter(
    ({ manager = '', time = '', fieldsV1 }) =>
      !OWN_MANAGERS.has(manager) &&
      (fieldsV1 as Fields)['f:status']?.['f:loadBalancer'] !== undefined &&
      (Date.parse(time) || 0) > sinceMs,
  );
  return [...new Set(others.map(({ manager = 'unknown' }) => manager))];
}
