// SPDX-License-Identifier: Apache-2.0
import {
  CONDITION_REACHABLE,
  IpAddress,
  type KubeCondition,
  MacAddress,
  type NodeReport,
  type NodeState,
} from '@berth/core';
import type { Service } from '@berth/kube';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ReachableConditions } from './reachable-conditions.ts';

const VIP = IpAddress.of('IPv4', 0xc0000214n);
const CLAIM = { node: 'edge-1', interface: 'eth0', term: 1, sinceSeconds: 5 };
const COMPLAINT = { vip: VIP, interface: 'eth0', why: 'no-answer', macs: [], sinceSeconds: 7 } as const;
const FORGED = conditionOf('True', 'Answered', 'by hand');

function conditionOf(status: KubeCondition['status'], reason: string, message = ''): KubeCondition {
  return { type: CONDITION_REACHABLE, status, reason, message, lastTransitionTime: '2026-01-01T00:00:00Z' };
}

function saying(...conditions: readonly KubeCondition[]): Service {
  return { metadata: { namespace: 'shop', name: 'web' }, status: { conditions } };
}

describe('ReachableConditions', () => {
  let reports: Map<string, NodeReport>;
  let conditions: ReachableConditions;

  beforeEach(() => {
    reports = new Map();
    conditions = new ReachableConditions({ clock: new FakeClock(), reports: () => reports, claimsOn: () => [CLAIM] });
  });

  /** Takes over a report of edge-2, which hears the owner. */
  function hear(state: Partial<NodeState>): void {
    const members = [{ node: 'edge-1', hearing: 'both' }];
    const segments = [{ interface: 'eth0', mac: MacAddress.ZERO, phase: 'active', members }];
    const whole = { segments, unreachable: [], conflicts: [], ...state } as unknown as NodeState;
    const after: NodeReport = { node: 'edge-2', state: whole, problem: undefined, freshness: 'fresh' };
    conditions.take({ node: 'edge-2', before: reports.get('edge-2'), after });
    reports.set('edge-2', after);
  }

  function decide(service: Service): string | undefined {
    const finding = conditions.decide(service, [VIP]);
    return finding && `${finding.status} ${finding.reason} ${finding.message}`;
  }

  it('goes on with what was said, whatever somebody else writes or takes away', () => {
    hear({ testedSeconds: 9 });
    const said = decide(saying());
    expect(said).to.match(/^True Answered other nodes get/);
    hear({});
    for (const forged of [[FORGED], [conditionOf('False', 'NoAnswer')], []])
      expect(decide(saying(...forged))).to.equal(said);
  });

  it('does not take a forged word for a test that was not made', () => {
    hear({});
    expect(decide(saying(FORGED))).to.equal(undefined);
    expect([...conditions.untested]).to.deep.equal(['shop/web']);
    hear({ testedSeconds: 9 });
    expect(decide(saying(FORGED))).to.match(/^True Answered other nodes get/);
    expect(conditions.untested.size).to.equal(0);
  });

  it('tells a complaint although somebody else wrote the same reason', () => {
    hear({ unreachable: [COMPLAINT] });
    expect(decide(saying(conditionOf('False', 'NoAnswer', 'by hand')))).to.match(/^False NoAnswer edge-2 asked/);
  });

  it('believes what it finds when it begins', () => {
    hear({});
    const found = conditionOf('True', 'Answered', 'before');
    conditions.believe(saying(found));
    expect(decide(saying(found))).to.equal('True Answered before');
  });

  it('forgets a Service', () => {
    hear({});
    conditions.believe(saying(FORGED));
    conditions.forget('shop/web');
    expect(decide(saying())).to.equal(undefined);
  });

  const own = conditionOf('False', 'NoAnswer', 'own');
  for (const { name, previous, next, isTouched } of [
    { name: 'its own word, coming back', previous: [], next: [own], isTouched: false },
    { name: 'no change', previous: [FORGED], next: [FORGED], isTouched: false },
    { name: 'another status', previous: [own], next: [{ ...own, status: 'True' as const }], isTouched: true },
    { name: 'another reason', previous: [own], next: [{ ...own, reason: 'WrongAnswer' }], isTouched: true },
    { name: 'another message', previous: [own], next: [{ ...own, message: 'other' }], isTouched: true },
    { name: 'a condition taken away', previous: [own], next: [], isTouched: true },
  ]) {
    it(`${isTouched ? 'sees' : 'does not mind'} ${name}`, () => {
      conditions.believe(saying(own));
      expect(conditions.isTouched(saying(...previous), saying(...next))).to.equal(isTouched);
    });
  }
});
