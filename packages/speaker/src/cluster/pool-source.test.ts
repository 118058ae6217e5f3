// SPDX-License-Identifier: Apache-2.0
import type { ConfigMap } from '@berth/kube';
import { expect } from 'chai';
import { PoolSource } from './pool-source.ts';

const POOL =
  '{ apiVersion: berth.dev/v1, kind: IPAddressPool, metadata: { name: lan }, spec: { addresses: [203.0.113.0/28] } }';

function map(resourceVersion: string, text: string): ConfigMap {
  return { metadata: { name: 'last-good-pools', resourceVersion }, data: { 'pools.yaml': text } };
}

describe('PoolSource', () => {
  it('OW-03: nothing is accepted before the controller has accepted something', () => {
    const source = new PoolSource();
    source.update(undefined);
    expect(source.accepted).to.equal(undefined);
    expect(source.config.pools).to.deep.equal([]);
  });

  it('CF-16, OW-03: what was accepted stays when its ConfigMap is gone or cannot be read', () => {
    let refusals = 0;
    const source = new PoolSource();
    source.refusals.subscribe(() => {
      refusals += 1;
    });
    source.update(map('1', POOL));
    const { accepted } = source;
    expect(accepted?.pools.map(({ name }) => name)).to.deep.equal(['lan']);
    source.update(undefined);
    source.update(map('2', 'kind: Nonsense'));
    expect([source.accepted, source.isStale, refusals]).to.deep.equal([accepted, true, 1]);
    source.update(map('3', POOL));
    expect(source.isStale).to.equal(false);
  });
});
