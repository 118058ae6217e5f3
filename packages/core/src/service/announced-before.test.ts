// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { ip } from '../ipam/testing/builders.ts';
import { wasAnnounced } from './announced-before.ts';
import type { KubeCondition } from './kube-service.ts';

const NOW = Date.parse('2026-01-02T12:00:00Z');

const FIRST = ip('203.0.113.40');
const SECOND = ip('2001:db8::7');
const SINCE = 'on lan0 since 2026-01-02T11:59:01Z';
const BOTH_ANNOUNCED = `${FIRST} from n1 ${SINCE}; ${SECOND} from n2 ${SINCE}`;
const FIRST_ANNOUNCED = `${FIRST} from n1 ${SINCE}; ${SECOND} from nobody: n1 asks whether somebody uses it`;

function condition(
  type: string,
  status: KubeCondition['status'],
  lastTransitionTime: string,
  message = '',
): KubeCondition {
  return { type: `berth.dev/${type}`, status, reason: 'Test', message, lastTransitionTime };
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
        condition('Announced', 'True', '2026-01-02T11:59:01Z', `${FIRST} from n1 ${SINCE}`),
      ],
      wanted: true,
    },
    {
      name: 'an address since a minute, of a Service that was announced with another one',
      conditions: [
        condition('AddressAssigned', 'True', '2026-01-02T11:59:00Z'),
        condition('Announced', 'True', '2026-01-02T09:00:00Z', `203.0.113.99 from n1 ${SINCE}`),
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

  for (const { name, assigned, message, wanted } of [
    { name: 'joined a minute ago', assigned: '11:59', message: FIRST_ANNOUNCED, wanted: [true, false] },
    { name: 'is announced as well', assigned: '11:59', message: BOTH_ANNOUNCED, wanted: [true, true] },
    { name: 'joined long ago', assigned: '11:00', message: FIRST_ANNOUNCED, wanted: [true, true] },
    { name: 'joined long before a power cut', assigned: '11:00', message: '', wanted: [true, true] },
    { name: 'came with the first a minute ago', assigned: '11:59', message: '', wanted: [false, false] },
  ])
    it(`GR-07: tells the addresses of a Service apart whose second one ${name}`, () => {
      const conditions = [
        condition('AddressAssigned', 'True', `2026-01-02T${assigned}:00Z`),
        condition('Announced', message === BOTH_ANNOUNCED ? 'True' : 'False', '2026-01-02T11:59:00Z', message),
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

  for (const { name, creationTimestamp, status, wanted } of [
    { name: 'of an hour', creationTimestamp: '2026-01-02T11:00:00Z', status: undefined, wanted: true },
    { name: 'of a minute', creationTimestamp: '2026-01-02T11:59:00Z', status: undefined, wanted: false },
    { name: 'to which Berth gave it', creationTimestamp: '2026-01-02T11:00:00Z', status: 'True', wanted: false },
  ] as const)
    it(`is ${wanted} for an address shown by a Service ${name}`, () => {
      const conditions = status && [condition('AddressAssigned', status, '2026-01-02T11:59:00Z')];
      const loadBalancer = { ingress: [{ ip: '203.0.113.40' }] };
      const service = { metadata: { creationTimestamp }, status: { loadBalancer, ...(conditions && { conditions }) } };
      expect(wasAnnounced(service, FIRST, NOW)).to.equal(wanted);
    });
});
