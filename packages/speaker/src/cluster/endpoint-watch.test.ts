// SPDX-License-Identifier: Apache-2.0
import { type EndpointSlice, endpointSlices, KubeError } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { EndpointWatch, trimSlice } from './endpoint-watch.ts';

const LABEL = 'kubernetes.io/service-name';

function slice(name: string, ...endpoints: [nodeName: string, isReady: boolean][]): EndpointSlice {
  return {
    metadata: { namespace: 'shop', name, labels: { [LABEL]: 'web', other: 'label' }, annotations: { long: 'text' } },
    addressType: 'IPv4',
    ports: [{ port: 80 }],
    endpoints: endpoints.map(([nodeName, ready]) => ({ addresses: ['10.0.0.1'], nodeName, conditions: { ready } })),
  };
}

describe('trimSlice', () => {
  it('keeps the Service, and each node that has something usable once', () => {
    const trimmed = trimSlice(slice('web-1', ['edge-2', true], ['edge-1', true], ['edge-2', true], ['edge-3', false]));
    expect(trimmed.metadata.labels).to.deep.equal({ [LABEL]: 'web' });
    expect(trimmed.endpoints?.map(({ nodeName }) => nodeName)).to.deep.equal(['edge-1', 'edge-2']);
    expect(JSON.stringify(trimmed)).not.to.contain('10.0.0.1');
  });
});

describe('EndpointWatch', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let news: number;
  let watch: EndpointWatch;

  beforeEach(async () => {
    api = new FakeApi();
    clock = new FakeClock();
    news = 0;
    watch = new EndpointWatch({ api, clock });
    watch.changes.subscribe(() => {
      news += 1;
    });
    await api.create(endpointSlices, slice('web-1', ['edge-1', true]));
    await api.create(endpointSlices, slice('web-2', ['edge-2', true]));
  });

  afterEach(() => watch.stop());

  const nodes = () => [...(watch.nodesOf('shop/web') ?? [])].sort();

  it('asks the API server for nothing until it has to', async () => {
    await watch.ready;
    await watch.relist();
    expect(api.calls.filter(({ verb }) => verb === 'list')).to.deep.equal([]);
    expect(watch.nodesOf('shop/web')).to.equal(undefined);
  });

  it('NN-08: waits no longer than it is told, and says until then that nobody has endpoints', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    api.before = () => promise;
    watch.begin();
    const waiting = watch.readyWithin(3000);
    expect(watch.nodesOf('shop/web')).to.equal(undefined);
    await clock.advance(3000);
    expect(await waiting).to.equal('unknown');
    expect([...(watch.nodesOf('shop/web') ?? ['unknown'])]).to.deep.equal([]);
    resolve();
    await watch.ready;
    await settle();
    expect(nodes()).to.deep.equal(['edge-1', 'edge-2']);
    expect(news).to.be.at.least(1);
    expect(await watch.readyWithin(3000)).to.equal('known');
  });

  it('EL-06: merges the slices of a Service', async () => {
    watch.begin();
    await watch.ready;
    expect(nodes()).to.deep.equal(['edge-1', 'edge-2']);
    expect([...(watch.nodesOf('shop/other') ?? ['unknown'])]).to.deep.equal([]);
  });

  it('tells when nodes change, and only then', async () => {
    watch.begin();
    await watch.ready;
    await settle();
    const before = news;
    const present = await api.get(endpointSlices, { namespace: 'shop', name: 'web-1' });
    const twice = slice('', ['edge-1', true], ['edge-1', true]).endpoints ?? [];
    await api.replace(endpointSlices, { ...present, endpoints: twice });
    await settle();
    expect(news).to.equal(before);
    await api.delete(endpointSlices, { namespace: 'shop', name: 'web-1' });
    await settle();
    expect(news).to.equal(before + 1);
    expect(nodes()).to.deep.equal(['edge-2']);
  });

  it('knows the same, and what was missed, after reading again', async () => {
    watch.begin();
    await watch.ready;
    const reading = watch.relist();
    expect(nodes()).to.deep.equal(['edge-1', 'edge-2']);
    await reading;
    expect(nodes()).to.deep.equal(['edge-1', 'edge-2']);
  });

  it('leaves one watch when it is to read again before the last reading could end', async () => {
    watch.begin();
    await watch.ready;
    api.before = () => {
      throw new KubeError('network', 'list: connection refused');
    };
    void watch.relist();
    await settle();
    void watch.relist();
    await settle();
    expect(nodes()).to.deep.equal(['edge-1', 'edge-2']);
    api.before = () => {};
    api.calls.length = 0;
    await clock.advance(20_000);
    expect(api.calls.map(({ verb }) => verb)).to.deep.equal(['list', 'watch']);
  });
});
