// SPDX-License-Identifier: Apache-2.0
import { CONDITION_ADDRESS_ASSIGNED, CONDITION_ANNOUNCED } from '@berth/core';
import type { Namespace, Service } from '@berth/kube';
import { expect } from 'chai';
import { isRelevantNamespaceChange, isRelevantServiceChange } from './relevant-change.ts';

const condition = (type: string, message: string) => ({
  type,
  message,
  status: 'True' as const,
  reason: 'X',
  lastTransitionTime: '2026-01-01T00:00:00Z',
});

const service: Service = {
  metadata: { namespace: 'shop', name: 'web', resourceVersion: '1' },
  spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
  status: { conditions: [condition(CONDITION_ADDRESS_ASSIGNED, 'a')], loadBalancer: {} },
};

describe('isRelevantServiceChange', () => {
  const announced = [condition(CONDITION_ADDRESS_ASSIGNED, 'a'), condition(CONDITION_ANNOUNCED, 'node-1')];
  const cases: { name: string; next: Service; relevant: boolean }[] = [
    {
      name: 'version alone',
      next: { ...service, metadata: { ...service.metadata, resourceVersion: '2' } },
      relevant: false,
    },
    {
      name: 'ST-09: the mark of who announces',
      next: { ...service, status: { ...service.status, conditions: announced } },
      relevant: false,
    },
    { name: 'spec', next: { ...service, spec: { ...service.spec, ports: [{ port: 81 }] } }, relevant: true },
    {
      name: 'annotation',
      next: { ...service, metadata: { ...service.metadata, annotations: { a: 'b' } } },
      relevant: true,
    },
    {
      name: 'deletion',
      next: { ...service, metadata: { ...service.metadata, deletionTimestamp: 'now' } },
      relevant: true,
    },
    {
      name: 'address in the status',
      next: { ...service, status: { ...service.status, loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } },
      relevant: true,
    },
    {
      name: 'our own condition',
      next: { ...service, status: { conditions: [condition(CONDITION_ADDRESS_ASSIGNED, 'b')], loadBalancer: {} } },
      relevant: true,
    },
  ];
  for (const { name, next, relevant } of cases) {
    it(`${name}: ${relevant ? 'work' : 'no work'}`, () =>
      expect(isRelevantServiceChange(service, next)).to.equal(relevant));
  }
});

describe('isRelevantNamespaceChange', () => {
  const namespace: Namespace = { metadata: { name: 'shop', labels: { team: 'red' } } };
  it('looks at labels only', () => {
    const same = { metadata: { ...namespace.metadata, annotations: { a: 'b' } } };
    const other = { metadata: { ...namespace.metadata, labels: { team: 'blue' } } };
    expect(isRelevantNamespaceChange(namespace, same)).to.equal(false);
    expect(isRelevantNamespaceChange(namespace, other)).to.equal(true);
  });
});
