// SPDX-License-Identifier: Apache-2.0
import type { PoolConfig } from '@berth/core';
import { configOf } from '@berth/core/testing';
import type { Service } from '@berth/kube';
import { expect } from 'chai';
import { keysIn, seesNamespaces } from './surroundings.ts';

function pools(serviceAllocation: object): PoolConfig {
  return configOf({ lan: { addresses: ['192.0.2.0/28'], serviceAllocation } });
}

describe('namespace events', () => {
  it('TN-04: cost nothing where no pool looks at labels of namespaces', () => {
    expect(seesNamespaces(undefined)).to.equal(false);
    expect(seesNamespaces(pools({ namespaces: ['shop'], serviceSelectors: [{ matchLabels: { a: 'b' } }] }))).to.equal(
      false,
    );
    expect(seesNamespaces(pools({ namespaceSelectors: [{ matchLabels: { team: 'red' } }] }))).to.equal(true);
  });

  it('TN-04: concern the Services of type LoadBalancer in that namespace only', () => {
    const service = (namespace: string, name: string, type = 'LoadBalancer') =>
      ({ metadata: { namespace, name }, spec: { type } }) as Service;
    const all = [service('shop', 'a'), service('ops', 'b'), service('shop', 'c', 'ClusterIP'), service('shop', 'd')];
    expect([...keysIn('shop', all)]).to.deep.equal(['shop/a', 'shop/d']);
  });
});
