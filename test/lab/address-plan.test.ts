// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { addressPlan, type Family, hostNamed, isNode, type LabShape, MAX_LABS, MAX_SEGMENTS } from './address-plan.ts';

const shape = (changes: Partial<LabShape> = {}): LabShape => ({
  index: 0,
  nodes: 3,
  family: 'dual',
  segments: 1,
  ...changes,
});

describe('addressPlan', () => {
  it('names cp, the nodes and the client', () => {
    expect(addressPlan(shape()).hosts.map((host) => host.name)).to.deep.equal([
      'cp',
      'node-1',
      'node-2',
      'node-3',
      'client',
    ]);
  });

  const families: { family: Family; lan: string[]; node: string[]; pods: string[] }[] = [
    { family: 'ipv4', lan: ['172.30.1.0/24'], node: ['172.30.1.11'], pods: ['10.244.1.0/24'] },
    { family: 'ipv6', lan: ['fd00:30:1::/64'], node: ['fd00:30:1::11'], pods: ['fd00:244:0:1::/64'] },
    {
      family: 'dual',
      lan: ['172.30.1.0/24', 'fd00:30:1::/64'],
      node: ['172.30.1.11', 'fd00:30:1::11'],
      pods: ['10.244.1.0/24', 'fd00:244:0:1::/64'],
    },
  ];
  for (const { family, lan, node, pods } of families) {
    it(`gives ${family} addresses, IPv4 first`, () => {
      const plan = addressPlan(shape({ family }));
      const host = hostNamed(plan, 'node-1');
      expect(plan.lans[0]).to.deep.equal(lan);
      expect(host.addresses).to.deep.equal(node);
      expect(host.podRanges).to.deep.equal(pods);
    });
  }

  it('gives every segment of every lab a subnet of its own', () => {
    const subnets = Array.from(
      { length: MAX_LABS },
      (_, index) => addressPlan(shape({ index, segments: MAX_SEGMENTS })).lans,
    );
    expect(new Set(subnets.flat(2)).size).to.equal(MAX_LABS * MAX_SEGMENTS * 2);
  });

  it('gives every interface of a lab a MAC address of its own', () => {
    const macs = addressPlan(shape({ nodes: 60, segments: 4 })).hosts.flatMap((host) =>
      host.interfaces.map(({ mac }) => mac),
    );
    expect(new Set(macs).size).to.equal(62 * 4);
  });

  it('makes nodes of nodes alone', () => {
    expect(addressPlan(shape()).hosts.filter(isNode)).to.have.length(3);
    expect(addressPlan(shape({ nodes: 0 })).hosts.filter(isNode)).to.have.length(0);
  });

  for (const wrong of [
    { index: MAX_LABS },
    { index: -1 },
    { nodes: 61 },
    { segments: 0 },
    { segments: 5 },
    { nodes: 1.5 },
  ]) {
    it(`refuses ${JSON.stringify(wrong)}`, () => {
      expect(() => addressPlan(shape(wrong))).to.throw(/^lab: \w+: got .*, want a whole number from/);
    });
  }

  it('tells which hosts there are when one is not', () => {
    expect(() => hostNamed(addressPlan(shape({ nodes: 1 })), 'node-2')).to.throw('which has cp, node-1, client');
  });
});
