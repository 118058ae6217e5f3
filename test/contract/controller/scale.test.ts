// SPDX-License-Identifier: Apache-2.0
import { configMaps, namespaces, type Service, services } from '@berth/kube';
import { expect } from 'chai';
import { makeNamespace } from '../support/cluster.ts';
import { ipsOf, type Rig, type ServiceOptions, useRig } from '../support/rig.ts';
import { until } from '../support/until.ts';

/** The API server refuses more than this in one ConfigMap, in bytes. */
const SIZE_LIMIT = 1024 * 1024;

const PARALLEL_CALLS = 8;

/** Reading thousands of Services keeps the API server busy, so it is done rarely. */
const POLL_MS = 2_000;

/** A class for each test: these Services take long to go, and later controllers must not see them as theirs. */
const classOf = (row: string) => `example.com/${row}`;

const controllerOf = (row: string) => ({ finalizer: false, loadBalancerClass: classOf(row) });

/** Makes Services with these names. */
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
  return until(
    async () => {
      const found = await all(rig, namespace);
      const waiting = found.filter((service) => ipsOf(service).length !== wanted.each);
      expect(waiting.length, 'Services without all addresses').to.equal(0);
      expect(new Set(found.flatMap(ipsOf)).size).to.equal(wanted.services * wanted.each);
      return found;
    },
    300_000,
    POLL_MS,
  );
}

/** Versions of all Services: equal when no one wrote any. */
const versionsOf = (found: readonly Service[]) =>
  found.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`);

describe('many Services', () => {
  const use = useRig();
  let namespace: string;

  // Deleting thousands takes the API server longer than the test; it goes on by itself.
  afterEach(() => use.rig.client.delete(namespaces, { name: namespace }));

  /** A controller that starts now writes to no one but a new Service, and changes no other. */
  async function restartWritesNothing(row: string, before: readonly string[]): Promise<void> {
    const { rig } = use;
    const second = await rig.start(controllerOf(row));
    await rig.service('new', { spec: { loadBalancerClass: classOf(row) } });
    await until(async () => expect(ipsOf(await rig.get('new'))).to.have.length(1), 120_000);
    expect(second.observed.writes('Service').map(({ at }) => at.name)).to.deep.equal(['new']);
    expect(versionsOf(await all(rig, namespace))).to.deep.equal(before);
  }

  // The allocation's half of row HO-26: owners are the speakers' matter, so the id stays off the title.
  it('1,500 dual-stack Services get 3,000 addresses; a restart writes to none of them', async () => {
    const { rig } = use;
    namespace = await makeNamespace(rig.client);
    await rig.pools({ lan: { addresses: ['10.240.0.0/16', '2001:db8:5::/64'] } });
    const first = await rig.start(controllerOf('ho-26'));
    const names = Array.from({ length: 1_500 }, (_, n) => `s-${n}`);
    await make(rig, names, {
      namespace,
      spec: { ipFamilyPolicy: 'RequireDualStack', loadBalancerClass: classOf('ho-26') },
    });
    const before = versionsOf(await allServed(rig, namespace, { services: 1_500, each: 2 }));
    expect((await rig.ledger()).size).to.equal(3_000);
    await rig.stop(first);
    await restartWritesNothing('ho-26', before);
  }).timeout(600_000);

  it('HO-28: 5,000 Services with names of 63 characters: all served, no ledger object too large, a restart restores all', async () => {
    const { rig } = use;
    namespace = await makeNamespace(rig.client, {}, `-${'n'.repeat(54)}`);
    await rig.pools({ lan: { addresses: ['10.240.0.0/16'] } });
    const first = await rig.start(controllerOf('ho-28'));
    const names = Array.from({ length: 5_000 }, (_, n) => `s${String(n).padStart(62, '0')}`);
    await make(rig, names, { namespace, spec: { loadBalancerClass: classOf('ho-28') } });
    const before = versionsOf(await allServed(rig, namespace, { services: 5_000, each: 1 }));
    const selection = { namespace: rig.system, labelSelector: 'berth.dev/part=ledger' };
    const { items } = await rig.client.list(configMaps, selection);
    expect(items.length).to.be.greaterThan(1);
    for (const object of items) expect(JSON.stringify(object).length, object.metadata.name).to.be.lessThan(SIZE_LIMIT);
    expect((await rig.ledger()).size).to.equal(5_000);
    await rig.stop(first);
    await restartWritesNothing('ho-28', before);
  }).timeout(900_000);
});
