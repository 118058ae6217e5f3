// SPDX-License-Identifier: Apache-2.0
import { configMaps, type Service, services } from '@berth/kube';
import { expect } from 'chai';
import { ipsOf, type Rig, type ServiceOptions, useRig } from '../support/rig.ts';
import { until } from '../support/until.ts';

/** The API server refuses more than this in one ConfigMap, in bytes. */
const SIZE_LIMIT = 1024 * 1024;

const PARALLEL_CALLS = 8;

/** Makes so many Services; the number in the name is padded to `nameLength`. */
async function make(rig: Rig, names: readonly string[], options: ServiceOptions): Promise<void> {
  const left = [...names];
  const work = async () => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) await rig.service(name, options);
  };
  await Promise.all(Array.from({ length: PARALLEL_CALLS }, work));
}

/** All Services of a namespace, read in one go. */
async function all(rig: Rig, namespace: string): Promise<readonly Service[]> {
  return (await rig.client.list(services, { namespace })).items;
}

/** Waits until every Service has `count` addresses of its own. */
function allServed(
  rig: Rig,
  namespace: string,
  wanted: { services: number; each: number },
): Promise<readonly Service[]> {
  return until(async () => {
    const found = await all(rig, namespace);
    const waiting = found.filter((service) => ipsOf(service).length !== wanted.each);
    expect(waiting.length, 'Services without all addresses').to.equal(0);
    expect(new Set(found.flatMap(ipsOf)).size).to.equal(wanted.services * wanted.each);
    return found;
  }, 240_000);
}

/** In one call, which empties a large namespace fast; the server goes on with it when the answer takes too long. */
const removeAll = (rig: Rig, namespace: string) =>
  rig.cluster.lab.kubectl(['delete', '--raw', `/api/v1/namespaces/${namespace}/services`]).catch(() => {});

/** Versions of all Services: equal when nobody wrote any. */
const versionsOf = (found: readonly Service[]) =>
  found.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`);

describe('many Services', () => {
  const use = useRig();

  it('HO-26: 1,500 dual-stack Services get 3,000 addresses; a restart writes to none of them', async () => {
    const { rig } = use;
    await rig.pools({ lan: { addresses: ['10.240.0.0/16', '2001:db8:5::/64'] } });
    const first = await rig.start({ finalizer: false });
    const names = Array.from({ length: 1_500 }, (_, n) => `s-${n}`);
    await make(rig, names, { spec: { ipFamilyPolicy: 'RequireDualStack' } });
    const before = versionsOf(await allServed(rig, rig.shop, { services: 1_500, each: 2 }));
    expect((await rig.ledger()).size).to.equal(3_000);
    await rig.stop(first);
    const second = await rig.start({ finalizer: false });
    await rig.service('new');
    await until(async () => expect(ipsOf(await rig.get('new'))).to.have.length(1), 60_000);
    expect(second.observed.writes('Service').map(({ at }) => at.name)).to.deep.equal(['new']);
    await rig.delete('new');
    await until(async () => expect(versionsOf(await all(rig, rig.shop))).to.deep.equal(before));
    await removeAll(rig, rig.shop);
    await until(async () => expect((await rig.ledger()).size).to.equal(0), 120_000);
  }).timeout(400_000);

  it('HO-28: 5,000 Services with names of 63 characters: all served, no ledger object too large, a restart restores all', async () => {
    const { rig } = use;
    const namespace = await rig.namespace({}, `-${'n'.repeat(54)}`);
    await rig.pools({ lan: { addresses: ['10.240.0.0/16'] } });
    const first = await rig.start({ finalizer: false });
    const names = Array.from({ length: 5_000 }, (_, n) => `s${String(n).padStart(62, '0')}`);
    await make(rig, names, { namespace });
    const before = versionsOf(await allServed(rig, namespace, { services: 5_000, each: 1 }));
    const { items } = await rig.client.list(configMaps, {
      namespace: rig.system,
      labelSelector: 'berth.dev/part=ledger',
    });
    expect(items.length).to.be.greaterThan(1);
    for (const object of items) expect(JSON.stringify(object).length, object.metadata.name).to.be.lessThan(SIZE_LIMIT);
    const ledger = await rig.ledger();
    expect(ledger.size).to.equal(5_000);
    await rig.stop(first);
    const second = await rig.start({ finalizer: false });
    await rig.service('new');
    await until(async () => expect(ipsOf(await rig.get('new'))).to.have.length(1), 60_000);
    expect(second.observed.writes('Service').map(({ at }) => at.name)).to.deep.equal(['new']);
    expect(versionsOf(await all(rig, namespace))).to.deep.equal(before);
    await removeAll(rig, namespace);
    await until(async () => expect((await rig.ledger()).size).to.equal(1), 240_000);
  }).timeout(600_000);
});
