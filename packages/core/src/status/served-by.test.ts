// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { IpAddress } from '../net/ip-address.ts';
import type { AloneState, ServingState } from '../node-state/serving.ts';
import { servedByFinding } from './served-by.ts';

const parsed = IpAddress.parse('192.0.2.7');
if (!parsed.ok) throw new Error(parsed.reason);
const vip = parsed.value;

function serving(alone?: AloneState): ServingState {
  const server = (node: string, weight = 1) => ({ node, state: 'serving' as const, weight });
  return {
    ...{ vip, interface: 'lan0', sinceSeconds: 0, servers: [server('a', 2), server('b'), server('c')] },
    ...(alone && { alone }),
  };
}

function finding(word: ServingState | undefined, isAsked = true) {
  return servedByFinding([{ vip, isAsked, owners: [{ node: 'a', serving: word }] }], undefined);
}

describe('servedByFinding', () => {
  it('EN-26: names who serves, with shares', () => {
    expect(finding(serving())).to.deep.equal({
      ...{ status: 'True', reason: 'EveryNode' },
      message: '192.0.2.7 is served by a (50 %), b (25 %) and c (25 %)',
    });
  });

  it('EN-26: names who keeps older flows', () => {
    const draining = { ...serving(), servers: [{ node: 'b', state: 'draining' as const, weight: 1 }] };
    expect(finding(draining)?.message).to.equal(
      '192.0.2.7 is served by a alone: no other node serves it; b keeps older flows',
    );
  });

  const few: { name: string; servers: ServingState['servers'] }[] = [
    { name: 'a set that the owner has only begun', servers: [{ node: 'a', state: 'serving', weight: 1 }] },
    { name: 'nothing known of others', servers: [] },
    {
      name: 'one that serves and one that is silent',
      servers: [
        { node: 'a', state: 'serving', weight: 1 },
        { node: 'b', state: 'silent', weight: 1 },
      ],
    },
  ];
  for (const { name, servers } of few)
    it(`EN-60: does not say that every node serves before a second one does: ${name}`, () => {
      const found = finding({ ...serving(), servers });
      expect([found?.status, found?.reason]).to.deep.equal(['False', 'OneNode']);
      expect(found?.message).to.match(/^192\.0\.2\.7 is served by a alone: no other node serves it/);
    });

  it('EN-60: says so of a Service with two addresses once both are', () => {
    const [first] = few;
    const owners = (word: ServingState) => [{ node: 'a', serving: word }];
    const facts = [serving(), { ...serving(), servers: first?.servers ?? [] }].map((word) => ({
      vip,
      isAsked: true,
      owners: owners(word),
    }));
    expect(servedByFinding(facts, undefined)?.reason).to.equal('OneNode');
  });

  for (const { why, reason, message } of [
    {
      why: 'program',
      reason: 'ProgramRefused',
      message: /by a alone: the kernel of a refuses the program .* \(EPERM\)/,
    },
    { why: 'conntrack', reason: 'NoConntrack', message: /a cannot read its connection tracking \(EPERM\)/ },
    { why: 'room', reason: 'NoRoom', message: /the tables of a are full/ },
    { why: 'nodes-without', reason: 'NodesTakeNoPart', message: /alone: b and c take no part/ },
    { why: 'shared-with-owner-served', reason: 'SharedWithOwnerServed', message: /not all Services/ },
    { why: 'no-health-port', reason: 'NoHealthPort', message: /no healthCheckNodePort/ },
    { why: 'unknown', reason: 'Unknown', message: /newer speaker/ },
  ] as const)
    it(`EN-26: tells why the owner serves alone: ${why}`, () => {
      const found = finding(serving({ why, nodes: ['b', 'c'], code: 'EPERM' }));
      expect([found?.status, found?.reason]).to.deep.equal(['False', reason]);
      expect(found?.message).to.match(message);
    });

  it('EN-26: an owner that tells nothing is an older speaker', () => {
    expect(finding(undefined)).to.deep.include({ status: 'Unknown', reason: 'NotTold' });
  });

  it('EN-26: says nothing of a Service that does not ask for it, and takes back what it said', () => {
    expect(finding(serving(), false)).to.equal(undefined);
    const said = { type: 'berth.dev/ServedBy', status: 'True' as const, reason: 'EveryNode', message: '' };
    const facts = [{ vip, isAsked: false, owners: [] }];
    expect(servedByFinding(facts, { ...said, lastTransitionTime: '' })).to.deep.include({ reason: 'NotAsked' });
  });
});
