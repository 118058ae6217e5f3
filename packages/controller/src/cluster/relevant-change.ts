// SPDX-License-Identifier: Apache-2.0
/** Which updates of an object are worth a look: the rest (heartbeats, marks of others) causes no work at all. */
import { CONDITION_ADDRESS_ASSIGNED, CONDITION_GIVEN } from '@berth/core';
import type { Namespace, Service } from '@berth/kube';

const OWN_CONDITIONS: readonly string[] = [CONDITION_ADDRESS_ASSIGNED, CONDITION_GIVEN];

/** Whether two states of a Service differ in anything that decisions or patches depend on. */
export function isRelevantServiceChange(previous: Service, next: Service): boolean {
  return JSON.stringify(factsOf(previous)) !== JSON.stringify(factsOf(next));
}

/** Whether two states of a Namespace differ in what selectors can see. */
export function isRelevantNamespaceChange(previous: Namespace, next: Namespace): boolean {
  return JSON.stringify(previous.metadata.labels ?? {}) !== JSON.stringify(next.metadata.labels ?? {});
}

// The speakers' condition is left out: who announces a VIP has no say in who has it.
function factsOf({ metadata, spec, status }: Service): unknown {
  const { uid, deletionTimestamp, labels, annotations, finalizers } = metadata;
  const said = status?.conditions?.filter(({ type }) => OWN_CONDITIONS.includes(type));
  return [uid, deletionTimestamp, labels, annotations, finalizers, spec, status?.loadBalancer, said];
}

/** Whether two states of a Service differ in what decides who may announce it. */
export function isAnnouncementChange(previous: Service, next: Service): boolean {
  const facts = ({ metadata, spec, status }: Service) => [
    ...[metadata.uid, metadata.deletionTimestamp, metadata.labels, metadata.annotations],
    ...[spec?.type, spec?.loadBalancerClass, status?.loadBalancer?.ingress],
  ];
  return JSON.stringify(facts(previous)) !== JSON.stringify(facts(next));
}
