// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth uninstall`: takes everything of Berth from every Service, so that none hangs in Terminating once there
 * is no controller any more, and deletes ledger and Lease. A controller that still runs is stopped first: it would give
 * the addresses again.
 */
import {
  Allocator,
  bearsMarks,
  FINALIZER,
  givenTo,
  type IpAddress,
  isHistory,
  isOurs,
  type LoadBalancerClassRule,
  loadBalancerClassRule,
  removalPatch,
  usageOf,
} from '@berth/core';
import {
  ApiBudget,
  CallLanes,
  configMaps,
  isKubeError,
  type KubeApi,
  type KubeObject,
  keyOf,
  leases,
  type Resource,
  type Service,
} from '@berth/kube';
import { findObject, isLedger, listConfigMaps, readClusterState } from '../cluster-state.ts';
import { CONTROLLER, leaderGone, stopController } from '../controller-stop.ts';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import type { ClusterOptions, Operation } from '../operation.ts';
import { countOf } from '../output.ts';
import { patchOnce } from '../patch-service.ts';

/** Services that are cleaned at a time. */
const CLEANED_AT_ONCE = 8;
/** Services that could not be cleaned, of which the reason is shown; all of them are counted. */
const MAX_NAMED = 20;

export async function uninstall(
  operation: Extract<Operation, { kind: 'uninstall' }>,
  environment: Environment,
): Promise<number> {
  const { cluster, isDryRun } = operation;
  const { api } = await environment.connect(cluster);
  const will = isDryRun ? 'would be' : 'is';
  refuseOtherClass(await servicesOfOurs(api, cluster), cluster);
  await stopController(api, cluster, { ...environment, isDryRun });
  if (!isDryRun) await leaderGone(api, cluster, environment);
  const ours = await servicesOfOurs(api, cluster);
  const tell = ({ service }: Served) => environment.out(`service ${keyOf(service)} ${will} cleaned\n`);
  const refusals = isDryRun ? [] : await cleanAll(ours, { api, cluster, clock: environment.clock, onClean: tell });
  if (isDryRun) ours.forEach(tell);
  if (refusals.length > 0) {
    const count = `${refusals.length} of ${countOf(ours.length, 'Service')} could not be cleaned`;
    const named = refusals.slice(0, MAX_NAMED).join('; ');
    throw new CommandError(`${count}, and ledger and Lease stay for the next try: ${named}`);
  }
  for (const name of await recordNames(api, cluster)) {
    if (!isDryRun) await remove(api, configMaps, { namespace: cluster.berthNamespace, name });
    environment.out(`configmap ${cluster.berthNamespace}/${name} ${will} deleted\n`);
  }
  const lease = { namespace: cluster.berthNamespace, name: CONTROLLER };
  if ((await findObject(api, leases, lease)) !== undefined) {
    if (!isDryRun) await remove(api, leases, lease);
    environment.out(`lease ${lease.namespace}/${lease.name} ${will} deleted\n`);
  }
  const were = isDryRun ? 'would be' : ours.length === 1 ? 'was' : 'were';
  environment.err(`${countOf(ours.length, 'Service')} ${were} cleaned\n`);
  return EXIT.ok;
}

/** A Service with what the ledger gives it. */
interface Served {
  readonly service: Service;
  readonly held: readonly IpAddress[];
}

/** Services that say that we were at work on them, or that the ledger knows; never those of another LoadBalancer. */
async function servicesOfOurs(api: KubeApi, cluster: ClusterOptions): Promise<Served[]> {
  const state = await readClusterState(api, cluster);
  const allocator = new Allocator(state);
  allocator.reset(state.ledger);
  const rule = loadBalancerClassRule(cluster.loadBalancerClass);
  const all = state.services.map((service) => ({ service, held: allocator.addressesOf(keyOf(service)) }));
  return all.filter(
    ({ service, held }) =>
      held.length > 0 || bearsMarks(service, rule) || wasServedBefore(service, rule) || isStuck(service, cluster),
  );
}

// With the wrong class the addresses that the ledger knows would go, and finalizers and conditions would stay.
function refuseOtherClass(served: readonly Served[], { loadBalancerClass }: ClusterOptions): void {
  const classes = served.flatMap(({ service }) => usageOf(service)?.loadBalancerClass ?? []);
  const [other] = classes;
  if (other === undefined || classes.includes(loadBalancerClass)) return;
  throw new CommandError(`this installation serves the class ${other}: name it by --load-balancer-class ${other}`);
}

// A version without the fact left its condition only.
function wasServedBefore(service: Service, rule: LoadBalancerClassRule): boolean {
  return isOurs(service, rule) && givenTo(service, rule) !== undefined;
}

// The finalizer alone may be that of a cloud; with our own class it is ours.
function isStuck(service: Service, { loadBalancerClass }: ClusterOptions): boolean {
  const isNamed =
    service.spec?.loadBalancerClass === loadBalancerClass && isOurs(service, loadBalancerClassRule(loadBalancerClass));
  return isNamed && (service.metadata.finalizers ?? []).includes(FINALIZER);
}

interface CleaningAll {
  readonly api: KubeApi;
  readonly cluster: ClusterOptions;
  readonly clock: Environment['clock'];
  onClean(served: Served): void;
}

/** Cleans them all; returns which were refused, and why. Those whose webhook does not answer hold up no others. */
async function cleanAll(ours: readonly Served[], all: CleaningAll): Promise<readonly string[]> {
  const { clock, onClean } = all;
  const lanes = new CallLanes({ clock, fast: new ApiBudget({ clock, maxConcurrency: CLEANED_AT_ONCE }) });
  const refusals: string[] = [];
  const stop = new AbortController();
  const cleanOne = async (served: Served): Promise<readonly Served[]> => {
    const { namespace = '' } = served.service.metadata;
    const options = { key: keyOf(served.service), group: namespace, signal: stop.signal };
    try {
      await lanes.run((signal) => clean(served, { ...all, signal }), options);
      onClean(served);
    } catch (error) {
      if (isKubeError(error, 'put-off')) return [served];
      // A webhook that denies one Service holds up no other. Where no one answers, or credentials are wrong, no other
      // would fare better.
      if (!isKubeError(error, 'invalid', 'forbidden', 'conflict', 'server', 'timeout')) throw error;
      refusals.push(`${keyOf(served.service)}: ${error.message}`);
    }
    return [];
  };
  try {
    for (let left = ours; left.length > 0; ) left = (await Promise.all(left.map(cleanOne))).flat();
  } finally {
    stop.abort();
  }
  return refusals.sort();
}

// First the addresses, then the rest: what was given is known to the end.
async function clean({ service, held }: Served, { api, cluster, signal }: Cleaning): Promise<void> {
  const rule = loadBalancerClassRule(cluster.loadBalancerClass);
  const options = (one: Service) => ({ rule, isOurs: isOurs(one, rule), isLast: true });
  const withoutAddresses =
    held.length === 0
      ? service
      : await patchOnce(api, service, { signal, patchFor: (one) => removalPatch(one, { ...options(one), held }) });
  if (withoutAddresses)
    await patchOnce(api, withoutAddresses, { signal, patchFor: (one) => removalPatch(one, options(one)) });
}

interface Cleaning {
  readonly api: KubeApi;
  readonly cluster: ClusterOptions;
  readonly signal: AbortSignal;
}

/**
 * ConfigMaps that tell of addresses which are taken away: the ledger, and the history unless somebody else's has its
 * name.
 */
async function recordNames(api: KubeApi, { berthNamespace }: ClusterOptions): Promise<string[]> {
  const maps = await listConfigMaps(api, berthNamespace);
  return maps.filter((map) => isLedger(map) || isHistory(map)).map(({ metadata }) => metadata.name);
}

async function remove<T extends KubeObject>(
  api: KubeApi,
  kind: Resource<T>,
  at: { namespace: string; name: string },
): Promise<void> {
  try {
    await api.delete(kind, at);
  } catch (error) {
    if (!isKubeError(error, 'not-found')) throw error;
  }
}
