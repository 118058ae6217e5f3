// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { ip } from '../net/testing.ts';
import type { KubeCondition } from '../service/kube-service.ts';
import { usageCondition } from '../service/usage.ts';
import { wasAnnounced } from './announced-before.ts';

const NOW = Date.parse('2026-01-02T12:00:00Z');

const FIRST = ip('203.0.113.40');
const SECOND = ip('2001:db8::7');
function condition(type: string, status: KubeCondition['status'], lastTransitionTime: string): KubeCondition {
  return { type: `berth.dev/${type}`, status, reason: 'Test', message: 'any words', lastTransitionTime };
}

describe('wasAnnounced', () => {
  for (const { name, conditions, wanted } of [
    { name: 'no condition', conditions: [], wanted: true },
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
      name: 'an address since a minute, of a Service that was announced with another one',
      conditions: [
        condition('AddressAssigned', 'True', '2026-01-02T11:59:00Z'),
        condition('Announced', 'True', '2026-01-02T09:00:00Z'),
      ],
      wanted: false,
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
      const loadBalancer = { ingress: [{ ip: String(FIRST) }] };
      expect(wasAnnounced({ status: { loadBalancer, conditions } }, FIRST, NOW)).to.equal(wanted);
    });

  for (const { name, assigned, used, wanted } of [
    { name: 'joined a minute ago', assigned: '11:59', used: [FIRST], wanted: [true, false] },
    { name: 'is announced as well', assigned: '11:59', used: [FIRST, SECOND], wanted: [true, true] },
    { name: 'joined long ago', assigned: '11:00', used: [FIRST], wanted: [true, true] },
    { name: 'joined long before a power cut', assigned: '11:00', used: [], wanted: [true, true] },
    { name: 'came with the first a minute ago', assigned: '11:59', used: [], wanted: [false, false] },
  ])
    it(`GR-07: tells the addresses of a Service apart whose second one ${name}, by the fact alone`, () => {
      const fact = usageCondition({ loadBalancerClass: 'berth.dev/l2', given: [FIRST, SECOND], used });
      const conditions = [
        condition('AddressAssigned', 'True', `2026-01-02T${assigned}:00Z`),
        condition('Announced', 'True', '2026-01-02T11:59:30Z'),
        { ...fact, lastTransitionTime: '2026-01-02T11:00:00Z' },
      ];
      const loadBalancer = { ingress: [{ ip: String(FIRST) }, { ip: String(SECOND) }] };
      const service = { status: { loadBalancer, conditions } };
      expect([FIRST, SECOND].map((vip) => wasAnnounced(service, vip, NOW))).to.deep.equal(wanted);
    });

  it('GR-07: is false for an address that the Service does not show, however long it shows another', () => {
    const conditions = [condition('AddressAssigned', 'True', '2026-01-02T11:00:00Z')];
    const service = { status: { loadBalancer: { ingress: [{ ip: '203.0.113.99' }] }, conditions } };
    expect(wasAnnounced(service, FIRST, NOW)).to.equal(false);
  });

  it('FA-01: is true for an address that another product gave, however new the Service is', () => {
    const loadBalancer = { ingress: [{ ip: '203.0.113.40' }] };
    const service = { metadata: { creationTimestamp: '2026-01-02T11:59:59Z' }, status: { loadBalancer } };
    expect(wasAnnounced(service, FIRST, NOW)).to.equal(true);
  });

  it('FA-01: is true for an address that another product gave, also once Berth has said that it is not its own', () => {
    const conditions = [
      condition('AddressAssigned', 'False', '2026-01-02T11:59:00Z'),
      {
        ...usageCondition({ loadBalancerClass: 'berth.dev/l2', given: [], used: [] }),
        lastTransitionTime: '2026-01-02T11:59:00Z',
      },
    ];
    const service = { status: { loadBalancer: { ingress: [{ ip: '203.0.113.40' }] }, conditions } };
    expect(wasAnnounced(service, FIRST, NOW)).to.equal(true);
    expect(wasAnnounced(service, SECOND, NOW)).to.equal(false);
  });

  it('is false for an address that Berth gave a minute ago to an old Service', () => {
    const conditions = [condition('AddressAssigned', 'True', '2026-01-02T11:59:00Z')];
    const loadBalancer = { ingress: [{ ip: '203.0.113.40' }] };
    const service = {
      metadata: { creationTimestamp: '2026-01-02T11:00:00Z' },
      status: { loadBalancer, conditions },
    };
    expect(wasAnnounced(service, FIRST, NOW)).to.equal(false);
  });
});
