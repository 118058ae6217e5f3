// SPDX-License-Identifier: Apache-2.0
import { type Service, services } from '@berth/kube';
import { expect } from 'chai';
import { DoubleWatch } from '../support/double-watch.ts';
import type { ApiCall, ObservedApi } from '../support/observed-api.ts';
import { ipsOf, type Rig, useRig } from '../support/rig.ts';
import { remains, until } from '../support/until.ts';

const RANGE = { lan: { addresses: ['203.0.113.40-203.0.113.99'] } };

async function allServices(rig: Rig): Promise<readonly Service[]> {
  return (await rig.client.list(services, { namespace: rig.shop })).items;
}

/** Waits until all Services of the shop have one address, each its own, and the ledger says the same. */
function agree(rig: Rig, count: number, timeoutMs = 30_000): Promise<ReadonlyMap<string, string>> {
  return until(async () => {
    const shown = new Map((await allServices(rig)).map((service) => [ipsOf(service).join(), service.metadata.name]));
    expect(shown.has(''), 'somebody has none').to.equal(false);
    expect(shown.size).to.equal(count);
    const held = new Map([...(await rig.ledger())].map(([ip, keys]) => [ip, keys.join()]));
    expect(held).to.deep.equal(new Map([...shown].map(([ip, name]) => [ip, `${rig.shop}/${name}`])));
    return shown;
  }, timeoutMs);
}

async function agreeOn(rig: Rig, wanted: Readonly<Record<string, string>>): Promise<void> {
  const shown = await agree(rig, Object.keys(wanted).length);
  const byName = Object.fromEntries([...shown].map(([ip, name]) => [name, ip.split('.').at(-1)]));
  expect(byName).to.deep.equal(wanted);
}

/** Holds the first call that matches, and all after it of the kind; resolves when one is held. */
function holding(
  observed: ObservedApi,
  matches: (call: ApiCall) => boolean,
): [held: Promise<void>, resume: () => void] {
  let resume = () => {};
  const gate = new Promise<void>((resolve) => {
    resume = resolve;
  });
  const held = new Promise<void>((resolve) => {
    observed.before = (call) => {
      if (!matches(call)) return undefined;
      resolve();
      return gate;
    };
  });
  return [held, () => resume()];
}

async function burst(rig: Rig, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => rig.service(`s-${n}`)));
}

describe('controllers beside and after each other', () => {
  const use = useRig();
  let watch: DoubleWatch;

  beforeEach(async () => {
    watch = await new DoubleWatch(use.rig.client, [use.rig.shop]).start();
  });

  afterEach(async () => {
    await watch.stop();
    expect(watch.doubles).to.deep.equal([]);
  });

  it('HA-01: before the first pool configuration nothing is given, freed or said', async () => {
    const { rig } = use;
    const first = await rig.start();
    await rig.pools(RANGE);
    await rig.service('has');
    const before = await rig.has('has', '203.0.113.40');
    await rig.stop(first);
    for (const name of ['ip-address-pools', 'last-good-pools']) await rig.deleteConfigMap(name);
    const { observed, controller } = await rig.start();
    await until(() => expect(controller.isLeader).to.equal(true));
    await rig.service('new');
    await remains(() => expect(observed.writes('Service')).to.deep.equal([]), 2_000);
    expect(await rig.get('has')).to.deep.equal(before);
    expect(await rig.eventsOf('new')).to.deep.equal([]);
    await rig.ledgerHolds({ '203.0.113.40': 'has' });
    await rig.pools(RANGE);
    await rig.has('new', '203.0.113.41');
  });

  it('HA-01: with an empty first configuration Services wait, and are tried again', async () => {
    const { rig } = use;
    await rig.noPools();
    await rig.start();
    await rig.service('web');
    await rig.hasReason('web', 'NoPool', 'False');
    await rig.pools(RANGE);
    await rig.has('web', '203.0.113.40');
  });

  it('HA-02: events before the initial full pass cause no work of their own', async () => {
    const { rig } = use;
    await rig.pools(RANGE);
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const starting = rig.start({}, ({ observed }) => {
      observed.before = async ({ verb, kind }) => {
        if (verb === 'list' && kind === 'Namespace') await gate;
      };
    });
    await burst(rig, 5);
    const [running] = rig.running;
    await remains(() => expect(running?.observed.writes('Service')).to.deep.equal([]), 1_000);
    open();
    await starting;
    await agree(rig, 5);
    expect(running?.observed.writes('Service')).to.have.length(5);
  });

  it('HA-04: of two replicas one works; killed, the other goes on with the same addresses', async () => {
    const { rig } = use;
    await rig.pools(RANGE);
    const a = await rig.start({ identity: 'a' });
    await until(() => expect(a.controller.isLeader).to.equal(true));
    const b = await rig.start({ identity: 'b' });
    await burst(rig, 10);
    const before = await agree(rig, 10);
    expect(b.observed.writes()).to.deep.equal([]);
    a.observed.freeze();
    await rig.service('later');
    const after = await agree(rig, 11);
    for (const [ip, name] of before) expect(after.get(ip)).to.equal(name);
    expect(b.controller.isLeader).to.equal(true);
    expect(b.observed.writes('Service').map(({ at }) => at.name)).to.deep.equal(['later']);
  });

  it('HO-01: two that both believe to lead give 50 Services 50 addresses', async () => {
    const { rig } = use;
    await rig.pools(RANGE);
    await rig.start({ identity: 'a', leaseName: 'lease-a' });
    await rig.start({ identity: 'b', leaseName: 'lease-b' });
    await burst(rig, 50);
    await agree(rig, 50);
    expect(watch.changes).to.deep.equal([]);
  }).timeout(60_000);

  it('HO-02: killed between ledger and status; the successor shows exactly that address', async () => {
    const { rig } = use;
    await rig.pools(RANGE);
    const first = await rig.start({ identity: 'a' });
    await rig.service('other');
    await rig.has('other', '203.0.113.40');
    first.observed.before = ({ verb, kind }) => {
      if (verb !== 'patch' || kind !== 'Service') return undefined;
      first.observed.freeze();
      return new Promise(() => {});
    };
    await rig.service('web');
    await rig.ledgerHolds({ '203.0.113.40': 'other', '203.0.113.41': 'web' });
    expect(ipsOf(await rig.get('web'))).to.deep.equal([]);
    await rig.start({ identity: 'b' });
    await rig.has('web', '203.0.113.41');
    await rig.ledgerHolds({ '203.0.113.40': 'other', '203.0.113.41': 'web' });
  });

  it('HO-03: a leader that comes back with a stale view loses the race and gives another address', async () => {
    const { rig } = use;
    await rig.pools(RANGE);
    const old = await rig.start({ identity: 'old', leaseName: 'lease-old' });
    await rig.service('a', { spec: { type: 'ClusterIP', allocateLoadBalancerNodePorts: null } });
    await rig.service('first');
    await rig.has('first', '203.0.113.40');
    const [held, resume] = holding(old.observed, ({ verb, at }) => verb === 'patch' && at.name === 'ledger');
    await rig.service('b');
    await held;
    await rig.edit('a', { spec: { type: 'LoadBalancer' } });
    await rig.start({ identity: 'new', leaseName: 'lease-new' });
    await rig.has('a', '203.0.113.41');
    await rig.has('b', '203.0.113.42');
    expect(await old.controller.metrics.text()).to.not.include('result="lost"');
    resume();
    await until(async () => expect(await old.controller.metrics.text()).to.match(/\{result="lost"\} [1-9]/));
    await rig.service('last');
    await rig.has('last', '203.0.113.43');
    await agreeOn(rig, { first: '40', a: '41', b: '42', last: '43' });
    expect(watch.changes).to.deep.equal([]);
  });

  it('HO-23: a wall clock that jumps makes no second leader', async () => {
    const { rig } = use;
    await rig.pools(RANGE);
    const a = await rig.start({ identity: 'a' });
    await until(() => expect(a.controller.isLeader).to.equal(true));
    const b = await rig.start({ identity: 'b' });
    for (const hours of [1, -2]) {
      a.clock.shiftMs += hours * 3_600_000;
      await rig.service(`at-${hours}`);
      await until(async () => expect(ipsOf(await rig.get(`at-${hours}`))).to.have.length(1));
      await remains(() => expect([a.controller.isLeader, b.controller.isLeader]).to.deep.equal([true, false]), 4_000);
    }
  }).timeout(30_000);

  it('FO-07: the Lease deleted, then its holder blanked: work goes on with one leader', async () => {
    const { rig } = use;
    await rig.pools(RANGE);
    const both = [await rig.start({ identity: 'a' }), await rig.start({ identity: 'b' })];
    await rig.service('one');
    await rig.has('one', '203.0.113.40');
    for (const [disturb, name] of [
      [() => rig.cluster.lab.kubectl(['delete', 'lease', 'controller', '-n', rig.system]), 'two'],
      [() => rig.blankLease(), 'three'],
    ] as const) {
      await disturb();
      await rig.service(name);
      await until(async () => expect(ipsOf(await rig.get(name))).to.have.length(1));
      await until(() => expect(both.filter(({ controller }) => controller.isLeader)).to.have.length(1));
    }
  }).timeout(60_000);
});
