// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth renumber SERVICE`: asks the controller to give a Service another address. */
import { ANNOTATION_RENUMBER, shownAddressesOf } from '@berth/core';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import type { Operation } from '../operation.ts';
import { makeWish, reasonOf, refuseNotOurs, refusePinned, serviceAt } from '../wish.ts';

export async function renumber(
  operation: Extract<Operation, { kind: 'renumber' }>,
  environment: Environment,
): Promise<number> {
  const { cluster, timeoutSeconds } = operation;
  const { api, namespace } = await environment.connect(cluster);
  const at = { namespace: operation.service.namespace ?? namespace, name: operation.service.name };
  const before = await serviceAt(api, at);
  refuseNotOurs(before, cluster);
  const leaving = shownAddressesOf(before);
  if (leaving.length === 0) throw new CommandError(`${at.namespace}/${at.name} has no address to leave`);
  refusePinned(before);
  if (operation.isDryRun) {
    environment.out(`${at.namespace}/${at.name} would leave ${leaving.join(' and ')} for another address\n`);
    return EXIT.ok;
  }
  const wish = { api, at, annotation: ANNOTATION_RENUMBER, addresses: leaving };
  const { isDone, service } = await makeWish({ ...wish, timeoutSeconds }, environment);
  if (service === undefined) return EXIT.ok;
  const next = shownAddressesOf(service);
  if (isDone && !next.some((address) => leaving.some((old) => old.equals(address)))) {
    environment.out(`${at.namespace}/${at.name}: ${leaving.join(' and ')} -> ${next.join(' and ') || 'no address'}\n`);
    return EXIT.ok;
  }
  throw new CommandError(
    `${at.namespace}/${at.name} keeps ${next.join(' and ')}: ${reasonOf(service, { isDone, timeoutSeconds })}`,
  );
}
