// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth adopt SERVICE [--renumber]`: asks the controller to serve a Service to which somebody else gave its
 * addresses: with these addresses, or with others out of the pools.
 */
import {
  ANNOTATION_ADOPT,
  ANNOTATION_RENUMBER,
  includesAddress,
  loadBalancerClassRule,
  ownAddressesOf,
  shownAddressesOf,
  shownTextsOf,
  showsOther,
} from '@berth/core';
import type { Service } from '@berth/kube';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import type { Operation } from '../operation.ts';
import { makeWish, reasonOf, refuseNotOurs, refusePinned, serviceAt } from '../wish.ts';

export async function adopt(
  operation: Extract<Operation, { kind: 'adopt' }>,
  environment: Environment,
): Promise<number> {
  const { cluster, isRenumbering, timeoutSeconds } = operation;
  const { api, namespace } = await environment.connect(cluster);
  const at = { namespace: operation.service.namespace ?? namespace, name: operation.service.name };
  const rule = loadBalancerClassRule(cluster.loadBalancerClass);
  const before = await serviceAt(api, at);
  const key = `${at.namespace}/${at.name}`;
  refuseNotOurs(before, cluster);
  const own = ownAddressesOf(before, rule);
  const foreign = shownAddressesOf(before).filter((address) => !includesAddress(own, address));
  if (showsOther(before))
    throw new CommandError(`${key} shows ${textsOf(before)}: only plain addresses can be taken over`);
  if (foreign.length === 0) throw new CommandError(`${key} shows no address that Berth did not give`);
  if (isRenumbering) refusePinned(before);
  if (operation.isDryRun) {
    const outcome = isRenumbering ? 'other addresses out of the pools' : foreign.join(' and ');
    environment.out(`${key} would be taken over with ${outcome} (now ${textsOf(before)})\n`);
    return EXIT.ok;
  }
  const annotation = isRenumbering ? ANNOTATION_RENUMBER : ANNOTATION_ADOPT;
  const { isDone, service } = await makeWish({ api, at, annotation, addresses: foreign, timeoutSeconds }, environment);
  if (service === undefined) return EXIT.ok;
  const next = ownAddressesOf(service, rule);
  if (!isDone || next.length === 0)
    throw new CommandError(`${key} stays with ${textsOf(service)}: ${reasonOf(service, { isDone, timeoutSeconds })}`);
  environment.out(`${key}: ${isRenumbering ? `${foreign.join(' and ')} -> ` : ''}${next.join(' and ')}\n`);
  return EXIT.ok;
}

function textsOf(service: Service): string {
  return shownTextsOf(service).join(' and ') || 'an entry without address';
}
