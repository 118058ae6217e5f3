// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth renumber SERVICE`: asks the controller to give a Service another address. The annotation names what the
 * Service is to leave, so it acts once however often it is seen, and the controller takes it away when it is done.
 */
import { ANNOTATION_RENUMBER, CONDITION_ADDRESS_ASSIGNED, shownAddressesOf } from '@berth/core';
import { type KubeApi, type ObjectName, type Service, services } from '@berth/kube';
import { findObject } from '../cluster-state.ts';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import type { Operation } from '../operation.ts';

/** Milliseconds between two looks at the Service. */
const POLL_MS = 200;

export async function renumber(
  operation: Extract<Operation, { kind: 'renumber' }>,
  environment: Environment,
): Promise<number> {
  const { api, namespace } = await environment.connect(operation.cluster);
  const at = { namespace: operation.service.namespace ?? namespace, name: operation.service.name };
  const before = await serviceAt(api, at);
  const leaving = shownAddressesOf(before);
  if (leaving.length === 0) throw new CommandError(`${at.namespace}/${at.name} has no address to leave`);
  await annotate(api, at, leaving.join());
  if (operation.timeoutSeconds === 0) return EXIT.ok;
  const after = await waitUntilDone(api, at, { ...environment, timeoutSeconds: operation.timeoutSeconds });
  const next = shownAddressesOf(after);
  if (isDone(after) && !next.some((address) => leaving.some((old) => old.equals(address)))) {
    environment.out(`${at.namespace}/${at.name}: ${leaving.join(' and ')} -> ${next.join(' and ') || 'no address'}\n`);
    return EXIT.ok;
  }
  // Left where it is, the wish would come true at some time that nobody expects.
  await annotate(api, at, null);
  throw new CommandError(`${at.namespace}/${at.name} keeps ${next.join(' and ')}: ${reasonOf(after)}`);
}

function annotate(api: KubeApi, at: ObjectName, value: string | null): Promise<unknown> {
  const body = { metadata: { annotations: { [ANNOTATION_RENUMBER]: value } } };
  return api.patch(services, at, { type: 'merge', body });
}

async function waitUntilDone(
  api: KubeApi,
  at: ObjectName,
  { clock, timeoutSeconds }: Environment & { readonly timeoutSeconds: number },
): Promise<Service> {
  const deadlineMs = clock.now() + timeoutSeconds * 1000;
  for (;;) {
    const service = await serviceAt(api, at);
    if (isDone(service) || clock.now() >= deadlineMs) return service;
    await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
  }
}

async function serviceAt(api: KubeApi, at: ObjectName): Promise<Service> {
  const service = await findObject(api, services, at);
  if (service === undefined) throw new CommandError(`there is no Service ${at.namespace}/${at.name}`);
  return service;
}

function isDone({ metadata }: Service): boolean {
  return metadata.annotations?.[ANNOTATION_RENUMBER] === undefined;
}

function reasonOf({ status }: Service): string {
  const condition = status?.conditions?.find(({ type }) => type === CONDITION_ADDRESS_ASSIGNED);
  return condition?.message ?? 'no answer from the controller';
}
