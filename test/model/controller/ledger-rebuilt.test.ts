// SPDX-License-Identifier: Apache-2.0
import { LEDGER_LABEL } from '@berth/core';
import { type ConfigMap, configMaps, events } from '@berth/kube';
import { expect } from 'chai';
import { FakeCluster, SYSTEM } from './fake-cluster.ts';

const LAN = { lan: { addresses: ['203.0.113.0/24'] } };

describe('a ledger that was rebuilt', () => {
  let cluster: FakeCluster;

  beforeEach(async () => {
    cluster = await new FakeCluster().start();
    await cluster.pools(LAN);
    for (const name of ['a', 'b', 'c']) await cluster.add(name);
    await cluster.clock.advance(2_000);
  });

  afterEach(() => cluster.stop());

  const ledger = () => cluster.api.all(configMaps).find(({ metadata }) => metadata.name === 'ledger');
  const rebuilt = () => cluster.api.all(events).filter(({ reason }) => reason === 'LedgerRebuilt');
  const shown = () => ['a', 'b', 'c'].map((name) => cluster.shown(name));

  /** Puts an old content into the ledger, as GitOps does, or deletes it. */
  async function putBack(old: ConfigMap | undefined): Promise<void> {
    const present = ledger();
    if (old === undefined) await cluster.api.delete(configMaps, { namespace: SYSTEM, name: 'ledger' });
    else if (present) await cluster.api.replace(configMaps, { ...present, data: old.data ?? {} });
    await cluster.clock.advance(2_000);
  }

  for (const [how, data] of [
    ['deleted', undefined],
    ['emptied', {}],
    ['an old copy', { '203.0.113.0': '{"pool":"lan","services":[{"name":"shop/c"}]}' }],
  ] as const) {
    it(`OL-01, OL-02: ${how} while a controller runs: an Event with the uid by which kubectl describe finds it, and no address changes`, async () => {
      const before = shown();
      await putBack(data && ({ metadata: { name: 'ledger' }, data } as ConfigMap));
      expect(shown()).to.deep.equal(before);
      expect(rebuilt().map(({ involvedObject }) => involvedObject.uid)).to.deep.equal([ledger()?.metadata.uid]);
      expect(Object.keys(ledger()?.data ?? {})).to.deep.equal(['203.0.113.0', '203.0.113.1', '203.0.113.2']);
      await cluster.add('new');
      await cluster.clock.advance(2_000);
      expect(cluster.shown('new')).to.equal('203.0.113.3');
    });
  }
});

describe('a ledger that was read before there were pools', () => {
  const AT = { namespace: SYSTEM, name: 'ledger' };
  const ENTRY = '{"pool":"lan","services":[{"name":"shop/z"}]}';
  let cluster: FakeCluster;

  beforeEach(async () => {
    cluster = await new FakeCluster().start();
    for (const name of ['a', 'z']) await cluster.add(name);
    await cluster.clock.advance(1_000);
  });

  afterEach(() => cluster.stop());

  // What no label marks as the ledger's is told by no watch, and is the ledger all the same.
  for (const { how, labels } of [
    { how: 'the watch tells', labels: LEDGER_LABEL },
    { how: 'no watch tells', labels: {} },
  ])
    it(`HA-01: and that somebody else wrote since, as ${how}, gives nothing twice`, async () => {
      await cluster.api.create(configMaps, { metadata: { ...AT, labels }, data: { '203.0.113.0': ENTRY } });
      await cluster.pools(LAN);
      await cluster.clock.advance(5_000);
      expect([cluster.shown('a'), cluster.shown('z')]).to.deep.equal(['203.0.113.1', '203.0.113.0']);
    });
});
