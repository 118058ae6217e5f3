// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import type { KubeCondition } from '../service/kube-service.ts';
import { type ReachFacts, reachableFinding } from './reachable.ts';

const VIP = IpAddress.of('IPv4', 0xc0000214n);
const [OWNER, STRANGER] = [1, 0x99].map(
  (last) => MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, last)) ?? MacAddress.ZERO,
);
const SINCE = 1_800_000_000;
const CLAIM = { node: 'edge-1', interface: 'eth0', term: 1, sinceSeconds: SINCE };

function facts(changes: Partial<ReachFacts> = {}): ReachFacts {
  return { vip: VIP, claims: [CLAIM], complaints: [], strangers: [], tested: [SINCE + 30, SINCE + 5], ...changes };
}

function complaint(node: string, why: 'no-answer' | 'several-answers', ...macs: (MacAddress | undefined)[]) {
  const answers = macs.map((mac) => mac ?? MacAddress.ZERO);
  return { node, vip: VIP, interface: 'eth0', why, macs: answers, sinceSeconds: SINCE };
}

function present(status: KubeCondition['status'], atSeconds = SINCE): KubeCondition {
  const lastTransitionTime = new Date(atSeconds * 1000).toISOString();
  return { type: 'berth.dev/Reachable', status, reason: 'Test', message: '', lastTransitionTime };
}

describe('reachableFinding', () => {
  for (const { name, addresses, condition, finding } of [
    { name: 'all others have asked since', addresses: [facts()], finding: 'True Answered' },
    { name: 'one has not yet', addresses: [facts({ tested: [SINCE + 30, undefined] })], finding: undefined },
    { name: 'one asked before the VIP came', addresses: [facts({ tested: [SINCE - 1] })], finding: undefined },
    { name: 'no one else hears the owner', addresses: [facts({ tested: [] })], finding: 'Unknown NoSecondNode' },
    { name: 'no one announces it', addresses: [facts({ claims: [] })], finding: undefined },
    {
      name: 'nobody announces what answered once',
      addresses: [facts({ claims: [] })],
      condition: present('True'),
      finding: 'Unknown NotAnnounced',
    },
    {
      name: 'it answered once and moved since',
      addresses: [facts({ tested: [] })],
      condition: present('True'),
      finding: undefined,
    },
    {
      name: 'one of two addresses has not been asked for',
      addresses: [facts(), facts({ tested: [undefined] })],
      finding: undefined,
    },
    {
      name: 'a complaint ended, and no round is over since',
      addresses: [facts()],
      condition: present('False', SINCE + 20),
      finding: undefined,
    },
    {
      name: 'a complaint ended, and each has been through a round since',
      addresses: [facts()],
      condition: present('False', SINCE + 5),
      finding: 'True Answered',
    },
  ])
    it(`is ${finding ?? 'left as it is'} when ${name}`, () => {
      const found = reachableFinding(addresses, condition);
      expect(found && `${found.status} ${found.reason}`).to.equal(finding);
    });

  it('tells who heard what', () => {
    const several = complaint('edge-2', 'several-answers', OWNER, STRANGER);
    expect(reachableFinding([facts({ complaints: [several] })], present('True'))).to.deep.equal({
      status: 'False',
      reason: 'SeveralAnswers',
      message: `edge-2 asked for ${VIP} on eth0: ${OWNER} and ${STRANGER} answer`,
    });
  });

  it('tells a stranger that claims the address', () => {
    const mac = STRANGER ?? MacAddress.ZERO;
    const stranger = { node: 'edge-1', vip: VIP, interface: 'eth0', mac, sinceSeconds: SINCE, kind: 'in-use' } as const;
    expect(reachableFinding([facts({ strangers: [stranger] })], undefined)).to.deep.equal({
      status: 'False',
      reason: 'AddressConflict',
      message: `${STRANGER} on the LAN claims ${VIP} too, as edge-1 hears on eth0`,
    });
  });

  it('does not tell the same again with another MAC address', () => {
    const several = complaint('edge-2', 'several-answers', OWNER, STRANGER);
    const told = { ...present('False'), reason: 'SeveralAnswers' };
    expect(reachableFinding([facts({ complaints: [several] })], told)).to.equal(undefined);
  });

  it('tells three complaints and counts the rest', () => {
    const complaints = ['a', 'b', 'c', 'd', 'e'].map((node) => complaint(node, 'no-answer'));
    const finding = reachableFinding([facts({ complaints })], undefined);
    expect(finding?.reason).to.equal('NoAnswer');
    expect(finding?.message).to.match(/^a asked .*: no one answers; b .*; c .* and 2 more$/);
  });
});
