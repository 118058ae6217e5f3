// SPDX-License-Identifier: Apache-2.0
import { LEDGER_LABEL } from '@berth/core';
import { ApiBudget, configMaps } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { Ledger } from './ledger.ts';

const signal = new AbortController().signal;

function setUp() {
  const api = new FakeApi();
  const ledger = new Ledger({ api, budget: new ApiBudget({ clock: new FakeClock() }), namespace: 'berth-system' });
  const add = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = { ...LEDGER_LABEL }) =>
    api.create(configMaps, { metadata: { namespace: 'berth-system', name, labels }, data });
  return { api, ledger, add };
}

describe('Ledger', () => {
  it('reads all its objects, also one that lost its label, and nothing else', async () => {
    const { ledger, add } = setUp();
    await add('ledger', { a: '1' });
    await add('ledger-1', { b: '2' }, {});
    await add('ledger-old', { c: '3' });
    await add('pool-status');
    const objects = await ledger.read(signal);
    expect(objects.map(({ name, data }) => [name, data])).to.deep.equal([
      ['ledger', { a: '1' }],
      ['ledger-1', { b: '2' }],
    ]);
  });

  it('reads more objects than fit on one page', async () => {
    const { ledger, add } = setUp();
    for (let n = 1; n <= 45; n += 1) await add(`ledger-${n}`);
    expect(await ledger.read(signal)).to.have.length(45);
  });

  it('writes in order and returns the new versions, which it knows as its own', async () => {
    const { api, ledger, add } = setUp();
    const made = await add('ledger');
    const versions = await ledger.write(
      [
        {
          kind: 'patch',
          name: 'ledger',
          patch: { metadata: { resourceVersion: made.metadata.resourceVersion }, data: { a: '1' } },
        },
        { kind: 'create', name: 'ledger-1', object: { metadata: { labels: LEDGER_LABEL }, data: { b: '2' } } },
      ],
      signal,
    );
    expect(versions).to.deep.equal(api.all(configMaps).map(({ metadata }) => metadata.resourceVersion));
    for (const version of versions) expect(ledger.isKnown(version)).to.equal(true);
    expect(ledger.isKnown('9999')).to.equal(false);
    expect(ledger.isKnown(undefined)).to.equal(false);
  });

  it('tries nothing after the first write that fails', async () => {
    const { api, ledger, add } = setUp();
    await add('ledger');
    const stale = {
      kind: 'patch',
      name: 'ledger',
      patch: { metadata: { resourceVersion: '1' }, data: { a: '1' } },
    } as const;
    const failure = await ledger
      .write([stale, { kind: 'create', name: 'ledger-1', object: {} }], signal)
      .catch((error: unknown) => error);
    expect(failure).to.have.property('code', 'conflict');
    expect(api.all(configMaps).map(({ metadata }) => metadata.name)).to.deep.equal(['ledger']);
  });
});
