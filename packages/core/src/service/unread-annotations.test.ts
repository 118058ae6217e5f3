// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { unreadAnnotations } from './unread-annotations.ts';

const told = (...names: string[]) => unreadAnnotations(Object.fromEntries(names.map((name) => [name, 'x'])));

describe('annotations that are not read', () => {
  for (const [name, says] of [
    ['lbipam.cilium.io/ips', 'write berth.dev/loadBalancerIPs'],
    ['io.cilium/lb-ipam-ips', 'write berth.dev/loadBalancerIPs'],
    ['lbipam.cilium.io/sharing-key', 'write berth.dev/allow-shared-ip'],
    ['kube-vip.io/loadbalancerIPs', 'write berth.dev/loadBalancerIPs'],
    ['purelb.io/addresses', 'write berth.dev/loadBalancerIPs'],
    ['purelb.io/service-group', 'write berth.dev/address-pool'],
    ['metallb.universe.tf/allow-shared', 'did you mean metallb.universe.tf/allow-shared-ip?'],
    ['metallb.io/loadbalancerips', 'did you mean metallb.io/loadBalancerIPs?'],
    ['berth.dev/adress-pool', 'did you mean berth.dev/address-pool?'],
    ['berth.dev/Serve', 'did you mean berth.dev/serve?'],
  ] as const)
    it(`FA-10: ${name} is named, with what to write`, () => {
      expect(told(name)).to.deep.equal([`annotation ${name} is not read, ${says}`]);
    });

  it('FA-10: a value of berth.dev/serve that cannot be read is named, one that can is not', () => {
    expect(unreadAnnotations({ 'berth.dev/serve': 'all' })).to.deep.equal([
      'annotation berth.dev/serve: "all" is neither owner nor every-node: the owner serves',
    ]);
    for (const value of ['owner', 'every-node', ''])
      expect(unreadAnnotations({ 'berth.dev/serve': value })).to.deep.equal([]);
  });

  it('FA-10: what is read, what products write themselves and what is nobody’s business are no news', () => {
    const names = ['loadBalancerIPs', 'address-pool', 'allow-shared-ip', 'ip-allocated-from-pool'];
    const all = ['berth.dev/', 'metallb.io/', 'metallb.universe.tf/'].flatMap((prefix) =>
      names.map((name) => prefix + name),
    );
    expect(
      told(...all, 'berth.dev/renumber', 'berth.dev/adopt', 'example.com/ips', 'kube-vip.io/vipHost'),
    ).to.deep.equal([]);
  });

  it('names five at most, and never throws', () => {
    const names = Array.from({ length: 9 }, (_, index) => `berth.dev/address-poo${index}`);
    expect(told(...names)).to.have.length(5);
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (annotations) => unreadAnnotations(annotations).length <= 5),
    );
  });
});
