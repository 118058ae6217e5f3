// SPDX-License-Identifier: Apache-2.0
import { IpAddress, usageCondition } from '@berth/core';
import { configMaps, KubeError, leases, type Service, services } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { sleep } from '@berth/runtime';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { parseCommandLine } from '../command-line.ts';
import { run } from '../run.ts';

const AT = { namespace: 'shop', name: 'web' };
const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';
const HELD = { '203.0.113.40': '{"pool":"lan","services":[{"name":"shop/web"}]}' };

/** A Service that the ledger knows; `given`: what its fact says, undefined: it has none. */
async function cleaned(
  service: Partial<Service>,
  given: string[] | undefined,
): Promise<{ after: Service; patches: number }> {
  const api = new FakeApi();
  const addresses = (given ?? []).flatMap((text) => {
    const address = IpAddress.parse(text);
    return address.ok ? [address.value] : [];
  });
  const fact = usageCondition({ loadBalancerClass: 'berth.dev/l2', given: addresses, used: [] });
  const conditions = given === undefined ? [] : [{ ...fact, lastTransitionTime: '2026-01-01T00:00:00Z' }];
  await api.create(services, {
    metadata: { ...AT, finalizers: [FINALIZER] },
    spec: { type: 'LoadBalancer' },
    ...service,
    status: { ...service.status, conditions },
  });
  await api.create(configMaps, { metadata: { namespace: 'berth-system', name: 'ledger' }, data: HELD });
  await run(parseCommandLine(['uninstall']), {
    ...{ out: () => {}, err: () => {}, readFile: async () => '', clock: new FakeClock() },
    connect: async () => ({ api, namespace: 'shop' }),
  });
  const patches = api.calls.filter(({ verb, kind }) => verb === 'patch' && kind === 'Service').length;
  return { after: await api.get(services, AT), patches };
}

const shows = (...ips: string[]) => ({ loadBalancer: { ingress: ips.map((ip) => ({ ip, ipMode: 'VIP' })) } });

describe('kubectl berth uninstall', () => {
  it('FA-05: takes address, fact and finalizer of a Service that the ledger knows, in two patches', async () => {
    const { after, patches } = await cleaned({ status: shows('203.0.113.40') }, ['203.0.113.40']);
    expect([after.metadata.finalizers, after.status?.conditions, patches]).to.deep.equal([[], [], 2]);
    expect(after.status?.loadBalancer?.ingress ?? []).to.deep.equal([]);
  });

  it('FA-05: leaves address and finalizer of another product, with and without a fact', async () => {
    const spec = { type: 'LoadBalancer', loadBalancerClass: 'acme.example/lb' };
    for (const given of [['203.0.113.40'], undefined]) {
      const { after } = await cleaned({ spec, status: shows('192.0.2.99') }, given);
      expect(after.status?.loadBalancer?.ingress?.map(({ ip }) => ip)).to.deep.equal(['192.0.2.99']);
      expect([after.metadata.finalizers, after.status?.conditions]).to.deep.equal([[FINALIZER], []]);
    }
  });

  it('FA-06: names the class of the installation where another one was named, and touches nothing', async () => {
    const api = new FakeApi();
    const fact = usageCondition({ loadBalancerClass: 'lab.example/lb', given: [], used: [] });
    const conditions = [{ ...fact, lastTransitionTime: '2026-01-01T00:00:00Z' }];
    await api.create(services, { metadata: AT, spec: { type: 'LoadBalancer' }, status: { conditions } });
    await api.create(configMaps, { metadata: { namespace: 'berth-system', name: 'ledger' }, data: HELD });
    const uninstall = (...more: string[]) =>
      run(parseCommandLine(['uninstall', ...more]), {
        ...{ out: () => {}, err: () => {}, readFile: async () => '', clock: new FakeClock() },
        connect: async () => ({ api, namespace: 'shop' }),
      }).catch((error: Error) => error.message);
    expect(await uninstall()).to.include('--load-balancer-class lab.example/lb');
    expect(api.calls.filter(({ verb }) => verb === 'patch' || verb === 'delete')).to.deep.equal([]);
    expect(await uninstall('--load-balancer-class', 'lab.example/lb')).to.equal(0);
    expect((await api.get(services, AT)).status?.conditions).to.deep.equal([]);
  });

  it('FA-05: waits for a leader that is still ending, or has ended without giving the Lease back', async () => {
    const api = new FakeApi();
    const clock = new FakeClock();
    const at = { namespace: 'berth-system', name: 'controller' };
    const lease = await api.create(leases, {
      metadata: at,
      spec: { holderIdentity: 'controller-1', leaseDurationSeconds: 15 },
    });
    await api.create(configMaps, { metadata: { namespace: 'berth-system', name: 'ledger' }, data: {} });
    const labels = { 'berth.dev/part': 'history' };
    await api.create(configMaps, { metadata: { namespace: 'berth-system', name: 'history', labels }, data: {} });
    const isLedgerThere = () => api.all(configMaps).length === 2;
    const ended = run(parseCommandLine(['uninstall']), {
      ...{ out: () => {}, err: () => {}, readFile: async () => '', clock },
      connect: async () => ({ api, namespace: 'shop' }),
    });
    await clock.advance(10_000);
    await api.replace(leases, { ...lease, spec: { ...lease.spec, renewTime: '2026-01-01T00:00:10.000000Z' } });
    await clock.advance(14_000);
    expect(isLedgerThere()).to.equal(true);
    await clock.advance(2_000);
    expect(await ended).to.equal(0);
    expect(api.all(configMaps)).to.deep.equal([]);
  });

  it('HI-15: takes the history away, but not a ConfigMap of that name that somebody else made', async () => {
    for (const labels of [{ 'berth.dev/part': 'history' }, {}]) {
      const api = new FakeApi();
      await api.create(configMaps, { metadata: { namespace: 'berth-system', name: 'history', labels }, data: {} });
      const ended = await run(parseCommandLine(['uninstall']), {
        ...{ out: () => {}, err: () => {}, readFile: async () => '', clock: new FakeClock() },
        connect: async () => ({ api, namespace: 'shop' }),
      });
      expect(ended).to.equal(0);
      expect(api.all(configMaps).length).to.equal('berth.dev/part' in labels ? 0 : 1);
    }
  });

  it('ER-01: cleans all others where one is refused, says which, and keeps the ledger for the next try', async () => {
    const api = new FakeApi();
    const fact = usageCondition({ loadBalancerClass: 'berth.dev/l2', given: [], used: [] });
    for (const name of ['a', 'b', 'c']) {
      await api.create(services, {
        metadata: { namespace: 'shop', name, finalizers: [FINALIZER] },
        spec: { type: 'LoadBalancer' },
        status: { conditions: [{ ...fact, lastTransitionTime: '2026-01-01T00:00:00Z' }] },
      });
    }
    await api.create(configMaps, { metadata: { namespace: 'berth-system', name: 'ledger' }, data: {} });
    api.before = ({ verb, at }) => {
      if (verb === 'patch' && at.name === 'a') throw new KubeError('forbidden', 'PATCH a: admission webhook denied it');
    };
    const ended = await run(parseCommandLine(['uninstall']), {
      ...{ out: () => {}, err: () => {}, readFile: async () => '', clock: new FakeClock() },
      connect: async () => ({ api, namespace: 'shop' }),
    }).catch((error: Error) => error.message);
    expect(ended).to.include('1 of 3 Services could not be cleaned').and.include('shop/a: PATCH a: admission webhook');
    const left = api.all(services).filter(({ metadata }) => metadata.finalizers?.length);
    expect(left.map(({ metadata }) => metadata.name)).to.deep.equal(['a']);
    expect(api.all(configMaps).map(({ metadata }) => metadata.name)).to.deep.equal(['ledger']);
  });

  it('ER-02: cleans all others first where 100 take ten seconds each to fail', async () => {
    const api = new FakeApi();
    const clock = new FakeClock();
    const fact = usageCondition({ loadBalancerClass: 'berth.dev/l2', given: [], used: [] });
    const guarded = Array.from({ length: 100 }, (_, index) => `guarded-${index}`);
    for (const name of [...guarded, 'well']) {
      await api.create(services, {
        metadata: { namespace: 'shop', name, finalizers: [FINALIZER] },
        spec: { type: 'LoadBalancer' },
        status: { conditions: [{ ...fact, lastTransitionTime: '2026-01-01T00:00:00Z' }] },
      });
    }
    api.before = async ({ verb, at }) => {
      if (verb !== 'patch' || !at.name?.startsWith('guarded')) return;
      await sleep(clock, 10_000);
      throw new KubeError('server', `PATCH ${at.name}: 500 failed calling webhook`);
    };
    const lines: string[] = [];
    const ended = run(parseCommandLine(['uninstall']), {
      ...{ out: (line: string) => void lines.push(line), err: () => {}, readFile: async () => '', clock },
      connect: async () => ({ api, namespace: 'shop' }),
    }).catch((error: Error) => error.message);
    // Nothing has gone through before, so a call is slow after a second only, eight at a time.
    await clock.advance(15_000);
    expect(lines).to.deep.equal(['service shop/well is cleaned\n']);
    await clock.advance(120_000);
    expect(await ended)
      .to.include('100 of 101 Services could not be cleaned')
      .and.include('failed calling webhook');
  });
});
