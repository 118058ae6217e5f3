// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { ip } from '../net/testing.ts';
import type { KubeCondition, KubeService } from './kube-service.ts';
import { loadBalancerClassRule } from './load-balancer-class.ts';
import { askedPoolsOf, givenTo, shownAddressesOf, shownTextsOf, showsOther, usageCondition, usageOf } from './usage.ts';

const RULE = loadBalancerClassRule();
const AT = '2026-01-01T00:00:00Z';
const USAGE = {
  loadBalancerClass: RULE.loadBalancerClass,
  given: [ip('203.0.113.40'), ip('2001:db8::7')],
  used: [ip('203.0.113.40')],
};

function saying(...conditions: readonly Partial<KubeCondition>[]): KubeService {
  const whole = { type: '', status: 'True', reason: 'Test', message: '', lastTransitionTime: AT } as const;
  return {
    status: {
      loadBalancer: { ingress: [{ ip: '203.0.113.40', ipMode: 'VIP' }] },
      conditions: conditions.map((one) => ({ ...whole, ...one })),
    },
  };
}

describe('the fact of what Berth gave', () => {
  it('FA-01: is read as it was written', () => {
    const read = usageOf(saying(usageCondition(USAGE)));
    expect([read?.loadBalancerClass, read?.given.map(String), read?.used.map(String)]).to.deep.equal([
      'berth.dev/l2',
      ['203.0.113.40', '2001:db8::7'],
      ['203.0.113.40'],
    ]);
    expect(usageCondition({ ...USAGE, given: [], used: [] })).to.include({ status: 'False', reason: 'NothingGiven' });
  });

  it('FA-01: says which wish for a pool is met, to the installation that gave; without one it says what it always said', () => {
    const asked = saying(usageCondition({ ...USAGE, askedPools: new Map([['203.0.113.40', 'lan']]) }));
    expect([...askedPoolsOf(asked, RULE)]).to.deep.equal([['203.0.113.40', 'lan']]);
    expect(askedPoolsOf(asked, loadBalancerClassRule('acme.example/lb')).size).to.equal(0);
    expect(usageCondition(USAGE).message).to.equal(
      '{"class":"berth.dev/l2","given":["203.0.113.40","2001:db8::7"],"used":["203.0.113.40"]}',
    );
    expect(askedPoolsOf(saying(usageCondition(USAGE)), RULE).size).to.equal(0);
  });

  it('FA-01: never throws, and takes nothing else for the fact', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({ class: 'a', given: value })),
    );
    fc.assert(
      fc.property(text, (message) => {
        const read = usageOf(saying({ type: 'berth.dev/Given', message }));
        return read === undefined || (Array.isArray(read.given) && read.loadBalancerClass !== undefined);
      }),
    );
  });

  const assigned = { type: 'berth.dev/AddressAssigned', message: '203.0.113.40 from pool lan' };
  const rows: { name: string; service: KubeService; given: string[] | undefined }[] = [
    { name: 'nothing is said', service: saying(), given: undefined },
    {
      name: 'this installation says so',
      service: saying(usageCondition(USAGE)),
      given: ['203.0.113.40', '2001:db8::7'],
    },
    {
      name: 'another installation says so',
      service: saying(usageCondition({ ...USAGE, loadBalancerClass: 'acme.example/lb' })),
      given: undefined,
    },
    { name: 'a version without the fact assigned it', service: saying(assigned), given: ['203.0.113.40'] },
    { name: 'a version without the fact refused', service: saying({ ...assigned, status: 'False' }), given: undefined },
    {
      name: 'a fact that cannot be read stands beside the old condition',
      service: saying(assigned, { type: 'berth.dev/Given', message: '{}' }),
      given: undefined,
    },
    {
      name: 'other words are used for people',
      service: saying({ ...assigned, message: 'reworded' }, usageCondition(USAGE)),
      given: ['203.0.113.40', '2001:db8::7'],
    },
  ];
  for (const { name, service, given } of rows) {
    it(`FA-01: tells what was given where ${name}`, () => {
      expect(givenTo(service, RULE)?.map(String)).to.deep.equal(given);
    });
  }

  it('reads what a status shows once, however often it is asked, and each address once', () => {
    const ingress = ['2001:DB8::7', '203.0.113.40', '2001:db8::7', 'nonsense'].map((text) => ({ ip: text }));
    const service = { status: { loadBalancer: { ingress } } };
    expect(shownAddressesOf(service).map(String)).to.deep.equal(['2001:db8::7', '203.0.113.40']);
    expect(shownAddressesOf({ ...service })).to.equal(shownAddressesOf(service));
  });

  it('shows entries that are no plain address as they are', () => {
    const ingress = [{ hostname: 'lb.example' }, { ip: '192.0.2.9', ipMode: 'Proxy' }];
    const service = { status: { loadBalancer: { ingress } } };
    expect([shownTextsOf(service), showsOther(service), showsOther(saying())]).to.deep.equal([
      ['lb.example', '192.0.2.9'],
      true,
      false,
    ]);
  });
});
