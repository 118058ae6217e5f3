// SPDX-License-Identifier: Apache-2.0
/** Goes back to MetalLB. Its speakers answer before Berth falls silent, and no Service loses its address. */
import {
  disownPatch,
  entryKeyOf,
  type IpAddress,
  LAST_GOOD_MAP,
  loadBalancerClassRule,
  MOVED_KEY,
  ownAddressesOf,
  ownController,
  POOL_CONFIG_MAP,
  type PoolConfig,
  parsePoolConfig,
} from '@berth/core';
import { configMaps, keyOf, messageOf, type Service, services } from '@berth/kube';
import { findObject, isLedger, listAll, listConfigMaps } from '../cluster-state.ts';
import { leaderGone } from '../controller-stop.ts';
import { readDoctorObjects } from '../doctor-objects.ts';
import { CommandError, EXIT } from '../environment.ts';
import { countOf } from '../output.ts';
import { patchOnce } from '../patch-service.ts';
import { isScaledDown, type Move, scaleBack, scaleDown } from './move.ts';
import { readObjectsAgain } from './own-objects.ts';
import { isStopped, startSpeakers } from './speakers.ts';

/** Services that are given back at a time. */
const GIVEN_BACK_AT_ONCE = 8;

export async function rollBack(move: Move): Promise<number> {
  const { api, cluster, environment, metallb } = move;
  const pools = await movedPools(move);
  if (pools === undefined && !isStopped(metallb.speaker) && !isScaledDown(metallb.controller))
    throw new CommandError('there is nothing to go back from: no move was begun');
  const controller = ownController(await readDoctorObjects(api), cluster.berthNamespace);
  // It would set right all that follows.
  if (controller !== undefined) await scaleDown(move, controller);
  await leaderGone(api, cluster, environment);
  if (metallb.speaker !== undefined) await startSpeakers(move, metallb.speaker);
  if (pools !== undefined) await giveBack(move, pools);
  if (metallb.controller !== undefined) await scaleBack(move, metallb.controller);
  if (controller !== undefined) {
    await readObjectsAgain(move, controller);
    await scaleBack(move, controller);
  }
  environment.out('MetalLB answers again; Berth has nothing of it any more\n');
  return EXIT.ok;
}

/** The pools that the move wrote; undefined where there are none. */
async function movedPools({ api, cluster }: Move): Promise<PoolConfig | undefined> {
  const at = { namespace: cluster.berthNamespace, name: POOL_CONFIG_MAP };
  const text = (await findObject(api, configMaps, at))?.data?.[MOVED_KEY];
  if (text === undefined) return undefined;
  const parsed = parsePoolConfig({ [MOVED_KEY]: text }, { extent: 'part' });
  return parsed.ok ? parsed.config : undefined;
}

/**
 * The Services first: with the fact about them gone, Berth falls silent. Then nothing may be left that it would take
 * them over by.
 */
async function giveBack(move: Move, pools: PoolConfig): Promise<void> {
  const { api, cluster, environment } = move;
  const rule = loadBalancerClassRule(cluster.loadBalancerClass);
  const isMoved = (vip: IpAddress) =>
    pools.pools.some(({ addresses }) => addresses.some(({ range }) => range.contains(vip)));
  const all = await listAll(api, services);
  const moved = all.filter((service) => ownAddressesOf(service, rule).some(isMoved));
  for (let first = 0; first < moved.length; first += GIVEN_BACK_AT_ONCE)
    await Promise.all(moved.slice(first, first + GIVEN_BACK_AT_ONCE).map((service) => disown(move, service)));
  environment.out(`${countOf(moved.length, 'Service')} given back to MetalLB, with their addresses\n`);
  const vips = moved.flatMap((service) => ownAddressesOf(service, rule));
  await forget(move, vips);
}

async function disown({ api, cluster }: Move, service: Service): Promise<void> {
  const rule = loadBalancerClassRule(cluster.loadBalancerClass);
  const { signal } = new AbortController();
  try {
    await patchOnce(api, service, { signal, patchFor: (one) => disownPatch(one, rule) });
  } catch (error) {
    throw new CommandError(`${keyOf(service)} could not be given back: ${messageOf(error)}`);
  }
}

/** Takes them out of the ledger, and the pools out of the configuration, also of the one that speakers go by. */
async function forget(
  { api, cluster: { berthNamespace: namespace } }: Move,
  vips: readonly IpAddress[],
): Promise<void> {
  const keys = vips.map(entryKeyOf);
  for (const { metadata, data = {} } of (await listConfigMaps(api, namespace)).filter(isLedger)) {
    const gone = keys.filter((key) => key in data);
    if (gone.length === 0) continue;
    const body = { data: Object.fromEntries(gone.map((key) => [key, null])) };
    await api.patch(configMaps, { namespace, name: metadata.name }, { type: 'merge', body });
  }
  for (const name of [POOL_CONFIG_MAP, LAST_GOOD_MAP]) {
    const present = await findObject(api, configMaps, { namespace, name });
    if (present?.data?.[MOVED_KEY] === undefined) continue;
    const isAlone = Object.keys(present.data).length === 1;
    if (isAlone) await api.delete(configMaps, { namespace, name });
    else await api.patch(configMaps, { namespace, name }, { type: 'merge', body: { data: { [MOVED_KEY]: null } } });
  }
}
