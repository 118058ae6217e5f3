// SPDX-License-Identifier: Apache-2.0
import { type ConfigMap, configMaps, KubeError, Reflector, Store } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { OwnedConfigMap } from './owned-config-map.ts';

const AT = { namespace: 'berth-system', name: 'pool-status' };

async function setUp() {
  const clock = new FakeClock();
  const api = new FakeApi();
  const store = new Store<ConfigMap>();
  const reflector = new Reflector({ api, kind: configMaps, store, clock });
  const stopper = new AbortController();
  const wanted = { data: { used: '1' } as Record<string, string> | undefined };
  const errors: string[] = [];
  const owned = new OwnedConfigMap(
    { api, clock, store, ...AT, data: () => wanted.data, random: () => 0 },
    stopper.signal,
  );
  owned.failures.subscribe(({ code }, retryInMs) => errors.push(`${code} ${retryInMs}`));
  owned.mended.subscribe(() => errors.push('mended'));
  store.subscribe(() => owned.touch());
  reflector.start();
  await reflector.ready;
  const writes = () => api.calls.filter(({ verb }) => verb === 'create' || verb === 'replace').length;
  return { clock, api, owned, wanted, errors, writes, stopper, reflector };
}

describe('OwnedConfigMap', () => {
  it('makes the object, collecting changes of half a second', async () => {
    const { clock, api, owned, wanted, writes } = await setUp();
    owned.touch();
    wanted.data = { used: '2' };
    owned.touch();
    await clock.advance(500);
    expect(api.all(configMaps)[0]?.data).to.deep.equal({ used: '2' });
    await clock.advance(60_000);
    expect(writes()).to.equal(1);
  });

  it('ST-10, ST-13: sets hand edits back and makes a deleted object anew', async () => {
    const { clock, api, owned } = await setUp();
    owned.touch();
    await clock.advance(500);
    await api.patch(configMaps, AT, { type: 'merge', body: { data: { used: '99', more: 'x' } } });
    await clock.advance(500);
    expect(api.all(configMaps)[0]?.data).to.deep.equal({ used: '1' });
    await api.delete(configMaps, AT);
    await clock.advance(500);
    expect(api.all(configMaps)[0]?.data).to.deep.equal({ used: '1' });
  });

  it('writes nothing while there is nothing to say', async () => {
    const { clock, owned, wanted, writes } = await setUp();
    wanted.data = undefined;
    owned.touch();
    await clock.advance(10_000);
    expect(writes()).to.equal(0);
  });

  it('ER-08: tries again after errors, with growing delays, and tells them and their end', async () => {
    const { clock, api, owned, errors } = await setUp();
    let failures = 5;
    api.before = ({ verb }) => {
      if (verb === 'create' && failures > 0) {
        failures -= 1;
        throw new KubeError('server', 'create: 500');
      }
    };
    owned.touch();
    await clock.advance(24_000);
    const told = ['server 1000', 'server 2000', 'server 4000', 'server 8000', 'server 8000', 'mended'];
    expect(errors).to.deep.equal(told);
    expect(api.all(configMaps)).to.have.length(1);
  });

  it('does nothing any more once its signal is aborted', async () => {
    const { clock, owned, stopper, writes, reflector } = await setUp();
    owned.touch();
    stopper.abort();
    await clock.advance(10_000);
    owned.touch();
    await clock.advance(10_000);
    expect(writes()).to.equal(0);
    await reflector.stop();
    expect(clock.pendingTimers).to.equal(0);
  });
});
