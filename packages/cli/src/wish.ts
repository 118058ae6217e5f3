// SPDX-License-Identifier: Apache-2.0
/**
 * Wishes of people that go by an annotation on a Service: the controller acts once however often it sees one, and takes
 * it away when it is done. One that is not fulfilled in time is taken back: left where it is, it would come true at
 * some time that no one expects.
 */
import {
  CONDITION_ADDRESS_ASSIGNED,
  type IpAddress,
  includesAddress,
  isOurs,
  loadBalancerClassRule,
  readServiceRequest,
  shownAddressesOf,
  wantedAddressSources,
} from '@berth/core';
import { type KubeApi, keyOf, type ObjectName, type Service, services } from '@berth/kube';
import { findObject } from './cluster-state.ts';
import { CommandError, type Environment } from './environment.ts';
import { missingService } from './names.ts';
import type { ClusterOptions } from './operation.ts';

/** Milliseconds between two looks at the Service. */
const POLL_MS = 200;

export interface Wish {
  readonly api: KubeApi;
  readonly at: ObjectName;
  /** Name of the annotation; its value are the addresses that it is about. */
  readonly annotation: string;
  readonly addresses: readonly IpAddress[];
  /** How long to wait for the outcome; 0: not at all. */
  readonly timeoutSeconds: number;
}

export interface WishOutcome {
  readonly isDone: boolean;
  /** The Service as it is then; undefined where no one waited. */
  readonly service: Service | undefined;
}

/** Makes a wish and waits for what comes of it. */
export async function makeWish(wish: Wish, { clock }: Pick<Environment, 'clock'>): Promise<WishOutcome> {
  const { api, at, annotation, addresses, timeoutSeconds } = wish;
  await annotate(wish, addresses.join());
  if (timeoutSeconds === 0) return { isDone: true, service: undefined };
  const deadlineMs = clock.now() + timeoutSeconds * 1000;
  for (;;) {
    const service = await serviceAt(api, at);
    const isDone = service.metadata.annotations?.[annotation] === undefined;
    if (isDone) return { isDone, service };
    if (clock.now() >= deadlineMs) {
      await annotate(wish, null);
      return { isDone, service };
    }
    await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
  }
}

/** The Service, or an error for people. */
export async function serviceAt(api: KubeApi, at: ObjectName): Promise<Service> {
  const service = await findObject(api, services, at);
  if (service === undefined) throw await missingService(at, api);
  return service;
}

/** A Service that asks for its address by name would ask for it again: the controller can only refuse. */
export function refusePinned(service: Service): void {
  const wanted = readServiceRequest(service)?.wantedAddresses ?? [];
  const pinned = shownAddressesOf(service).filter((address) => includesAddress(wanted, address));
  if (pinned.length === 0) return;
  const sources = wantedAddressSources(service.metadata.annotations ?? {}, service.spec?.loadBalancerIP);
  throw new CommandError(
    `${keyOf(service)} asks for ${pinned.join(' and ')} itself: change or remove ${sources.join(' and ')}, and it gets another address`,
  );
}

/** Why a wish did not come true, by what the controller says of the Service; it says nothing new where it is away. */
export function reasonOf({ status }: Service, { isDone, timeoutSeconds }: Waited): string {
  const condition = status?.conditions?.find(({ type }) => type === CONDITION_ADDRESS_ASSIGNED);
  const takenBack = isDone ? '' : '; the wish is taken back';
  const isRefused = condition !== undefined && condition.reason !== 'Assigned';
  if (isRefused) return `${condition.message}${takenBack}`;
  return `no answer from the controller within ${timeoutSeconds} s (kubectl berth status says whether one leads)${takenBack}`;
}

interface Waited extends Pick<WishOutcome, 'isDone'> {
  readonly timeoutSeconds: number;
}

/** Berth acts on no other Service. */
export function refuseNotOurs(service: Service, { loadBalancerClass }: ClusterOptions): void {
  const type = service.spec?.type ?? 'ClusterIP';
  if (type !== 'LoadBalancer') throw new CommandError(`${keyOf(service)} is no LoadBalancer: its type is ${type}`);
  if (!isOurs(service, loadBalancerClassRule(loadBalancerClass)))
    throw new CommandError(`${keyOf(service)} is not of the class ${loadBalancerClass}`);
}

function annotate({ api, at, annotation }: Wish, value: string | null): Promise<unknown> {
  const body = { metadata: { annotations: { [annotation]: value } } };
  return api.patch(services, at, { type: 'merge', body });
}
