// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { wasAnnounced } from './announced-before.ts';
import type { KubeCondition } from './kube-service.ts';

const NOW = Date.parse('2026-01-02T12:00:00Z');

function condition(type: string, status: KubeCondition['status'], lastTransitionTime: string): KubeCondition {
  return { type: `berth.dev/${type}`, status, reason: 'Test', message: '', lastTransitionTime };
}

describe('wasAnnounced', () => {
  for (const { name, conditions, wanted } of [
    { name: 'no condition', conditions: [], wanted: false },
    {
      name: 'an address since a minute',
      conditions: [condition('AddressAssigned', 'True', '2026-01-02T11:59:00Z')],
      wanted: false,
    },
    {
      name: 'an address since a minute, announced',
      conditions: [
        condition('AddressAssigned', 'True', '2026-01-02T11:59:00Z'),
        condition('Announced', 'True', '2026-01-02T11:59:01Z'),
      ],
      wanted: true,
    },
    {
      name: 'an address since an hour, announced no more',
      conditions: [
        condition('AddressAssigned', 'True', '2026-01-02T11:00:00Z'),
        condition('Announced', 'False', '2026-01-02T11:59:01Z'),
      ],
      wanted: true,
    },
    {
      name: 'no address since an hour',
      conditions: [condition('AddressAssigned', 'False', '2026-01-02T11:00:00Z')],
      wanted: false,
    },
    {
      name: 'an address since a time that nobody can read',
      conditions: [condition('AddressAssigned', 'True', 'yesterday')],
      wanted: false,
    },
  ])
    it(`is ${wanted} for ${name}`, () => {
      expect(wasAnnounced({ status: { conditions } }, NOW)).to.equal(wanted);
    });

  for (const { name, creationTimestamp, status, wanted } of [
    { name: 'of an hour', creationTimestamp: '2026-01-02T11:00:00Z', status: undefined, wanted: true },
    { name: 'of a minute', creationTimestamp: '2026-01-02T11:59:00Z', status: undefined, wanted: false },
    { name: 'to which Berth gave it', creationTimestamp: '2026-01-02T11:00:00Z', status: 'True', wanted: false },
  ] as const)
    it(`is ${wanted} for an address shown by a Service ${name}`, () => {
      const conditions = status && [condition('AddressAssigned', status, '2026-01-02T11:59:00Z')];
      const loadBalancer = { ingress: [{ ip: '203.0.113.40' }] };
      const service = { metadata: { creationTimestamp }, status: { loadBalancer, ...(conditions && { conditions }) } };
      expect(wasAnnounced(service, NOW)).to.equal(wanted);
    });
});
