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

/** These Services take long to go, and controllers of other tests must not see them as theirs. */
const CLASS = 'example.com/scale';
const CONTROLLER = { finalizer: false, loadBalancerClass: CLASS };
const SERVICES = 5_000;

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

/** Waits until every Service has an address of its own. */
function allServed(rig: Rig, namespace: string): Promise<readonly Service[]> {
  return until(
    async () => {
      const found = await all(rig, namespace);
      const waiting = found.filter((service) => ipsOf(service).length !== 1);
      expect(waiting.length, 'Services without an address').to.equal(0);
      expect(new Set(found.flatMap(ipsOf)).size).to.equal(SERVICES);
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
  async function restartWritesNothing(before: readonly string[]): Promise<void> {
    const { rig } = use;
    const second = await rig.start(CONTROLLER);
    await rig.service('new', { spec: { loadBalancerClass: CLASS } });
    await until(async () => expect(ipsOf(await rig.get('new'))).to.have.length(1), 120_000);
    expect(second.observed.writes('Service').map(({ at }) => at.name)).to.deep.equal(['new']);
    expect(versionsOf(await all(rig, namespace))).to.deep.equal(before);
  }

  it('HO-28: 5,000 Services with names of 63 characters: all served, no ledger object too large, a restart restores all', async () => {
    const { rig } = use;
    namespace = await makeNamespace(rig.client, {}, `-${'n'.repeat(54)}`);
    await rig.pools({ lan: { addresses: ['10.240.0.0/16'] } });
    const first = await rig.start(CONTROLLER);
    const names = Array.from({ length: SERVICES }, (_, n) => `s${String(n).padStart(62, '0')}`);
    await make(rig, names, { namespace, spec: { loadBalancerClass: CLASS } });
    const before = versionsOf(await allServed(rig, namespace));
    const selection = { namespace: rig.system, labelSelector: 'berth.dev/part=ledger' };
    const { items } = await rig.client.list(configMaps, selection);
    expect(items.length).to.be.greaterThan(1);
    for (const object of items) expect(JSON.stringify(object).length, object.metadata.name).to.be.lessThan(SIZE_LIMIT);
    expect((await rig.ledger()).size).to.equal(SERVICES);
    await rig.stop(first);
    await restartWritesNothing(before);
  }).timeout(900_000);
});
