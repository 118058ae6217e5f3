// SPDX-License-Identifier: Apache-2.0
import { HISTORY_MAP } from '@berth/core';
import { namespaces, services } from '@berth/kube';
import { expect } from 'chai';
import { DoubleWatch } from '../support/double-watch.ts';
import type { ApiCall } from '../support/observed-api.ts';
import { conditionOf, ipsOf, type Rig, useRig } from '../support/rig.ts';
import { remains, until } from '../support/until.ts';

const IPS = 'berth.dev/loadBalancerIPs';
const POOL = 'berth.dev/address-pool';
const MARK = 'berth.dev/ip-allocated-from-pool';

const EDGE = ['203.0.113.40-203.0.113.43'];
const CORE = ['198.51.100.0-198.51.100.3'];

const from = (pool: string) => ({ annotations: { [POOL]: pool } });

const label = (rig: Rig, namespace: string, labels: Readonly<Record<string, string | null>>) =>
  rig.client.patch(namespaces, { name: namespace }, { type: 'merge', body: { metadata: { labels } } });

/** Services a, b, c, d take all of a pool of four. */
async function fill(rig: Rig): Promise<void> {
  for (const name of ['a', 'b', 'c', 'd']) await rig.service(name);
  await until(async () => {
    for (const name of ['a', 'b', 'c', 'd']) expect(ipsOf(await rig.get(name)), name).to.have.length(1);
  });
}

describe('choosing a pool', () => {
  const use = useRig();

  beforeEach(() => use.rig.start());

  it('PS-01: the pool that is asked for; full: pending, no other pool', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: ['203.0.113.40/32'] }, core: { addresses: CORE } });
    await rig.service('one', from('edge'));
    await rig.has('one', '203.0.113.40');
    await rig.service('two', from('edge'));
    expect(ipsOf(await rig.hasReason('two', 'OutOfAddresses', 'False'))).to.deep.equal([]);
    await rig.delete('one');
    await rig.has('two', '203.0.113.40');
  });

  it('PS-02: another pool asked for later: the address is replaced; that pool full: kept, and said why', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: EDGE }, core: { addresses: ['198.51.100.0/32'] } });
    await rig.service('moves', from('edge'));
    await rig.has('moves', '203.0.113.40');
    await rig.edit('moves', { metadata: { annotations: { [POOL]: 'core' } } });
    await rig.has('moves', '198.51.100.0');
    await rig.service('stays', from('edge'));
    await rig.has('stays', '203.0.113.40');
    await rig.edit('stays', { metadata: { annotations: { [POOL]: 'core' } } });
    const service = await rig.hasReason('stays', 'OutOfAddresses');
    expect(ipsOf(service)).to.deep.equal(['203.0.113.40']);
    expect(conditionOf(service)?.message).to.include('core');
  });

  it('PS-03: a pool that is not there: no address, the Warning names it', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: EDGE } });
    await rig.service('web', from('nowhere'));
    expect(ipsOf(await rig.hasReason('web', 'NoPool', 'False'))).to.deep.equal([]);
    const [event] = await rig.hasEvents('web', ['AllocationFailed']);
    expect(event?.type).to.equal('Warning');
    expect(event?.message).to.include('nowhere');
  });

  it('PS-04: autoAssign false is never chosen by itself, but with a wish', async () => {
    const { rig } = use;
    await rig.pools({ core: { addresses: CORE, autoAssign: false } });
    await rig.service('plain');
    await rig.hasReason('plain', 'NoPool', 'False');
    await rig.service('pool', from('core'));
    await rig.service('ip', { annotations: { [IPS]: '198.51.100.2' } });
    await rig.has('pool', '198.51.100.0');
    await rig.has('ip', '198.51.100.2');
    expect(ipsOf(await rig.get('plain'))).to.deep.equal([]);
  });

  it('PS-08: the chosen pool is on the Service, and corrected when the pool is renamed', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: EDGE } });
    await rig.service('web');
    expect((await rig.has('web', '203.0.113.40')).metadata.annotations?.[MARK]).to.equal('edge');
    await rig.pools({ shore: { addresses: EDGE } });
    await until(async () => expect((await rig.get('web')).metadata.annotations?.[MARK]).to.equal('shore'));
    await rig.has('web', '203.0.113.40');
  });

  it('NS-04: a namespace gets the label later: a waiting Service in it is served without being touched', async () => {
    const { rig } = use;
    const namespaceSelectors = [{ matchLabels: { team: 'red' } }];
    await rig.pools({ edge: { addresses: EDGE, serviceAllocation: { namespaceSelectors } } });
    await rig.service('web');
    await until(async () => expect(conditionOf(await rig.get('web'))?.status).to.equal('False'));
    await label(rig, rig.shop, { team: 'red' });
    await rig.has('web', '203.0.113.40');
  });

  it('NS-06: holder, namespace or selector no longer match: keeps, and says so; a new one gets nothing', async () => {
    const { rig } = use;
    const byLabel = (tier: string) => ({ serviceSelectors: [{ matchLabels: { tier } }] });
    const byTeam = { namespaceSelectors: [{ matchLabels: { team: 'red' } }] };
    await label(rig, rig.shop, { team: 'red' });
    await rig.pools({
      gold: { addresses: EDGE, serviceAllocation: byLabel('gold') },
      red: { addresses: CORE, serviceAllocation: byTeam },
    });
    const gold = { labels: { tier: 'gold' } };
    await rig.service('relabelled', { ...gold, ...from('gold') });
    await rig.service('reselected', { ...gold, ...from('gold') });
    await rig.service('team', from('red'));
    await rig.has('relabelled', '203.0.113.40');
    await rig.has('reselected', '203.0.113.41');
    await rig.has('team', '198.51.100.0');

    await rig.edit('relabelled', { metadata: { labels: { tier: null } } });
    await rig.hasReason('relabelled', 'PoolNoLongerMatches', 'True');
    await label(rig, rig.shop, { team: null });
    await rig.hasReason('team', 'PoolNoLongerMatches', 'True');
    await rig.pools({
      gold: { addresses: EDGE, serviceAllocation: byLabel('platinum') },
      red: { addresses: CORE, serviceAllocation: byTeam },
    });
    await rig.hasReason('reselected', 'PoolNoLongerMatches', 'True');
    await rig.has('relabelled', '203.0.113.40');
    await rig.has('reselected', '203.0.113.41');
    await rig.has('team', '198.51.100.0');
    await rig.service('new', { ...gold, ...from('gold') });
    expect(ipsOf(await rig.hasReason('new', 'SelectorMismatch', 'False'))).to.deep.equal([]);
  });

  it('NS-09: two pools pinned to one namespace: priority, then name decides, no warning', async () => {
    const { rig } = use;
    const pinned = (priority?: number) => ({ namespaces: [rig.shop], ...(priority === undefined ? {} : { priority }) });
    await rig.pools({
      blue: { addresses: EDGE, serviceAllocation: pinned() },
      amber: { addresses: CORE, serviceAllocation: pinned() },
    });
    await rig.service('by-name');
    await rig.has('by-name', '198.51.100.0');
    await rig.pools({
      blue: { addresses: EDGE, serviceAllocation: pinned(1) },
      amber: { addresses: CORE, serviceAllocation: pinned(2) },
    });
    await rig.service('by-priority');
    await rig.has('by-priority', '203.0.113.40');
    await rig.hasEvents('by-name', ['IPAllocated']);
    await rig.hasEvents('by-priority', ['IPAllocated']);
  });

  it('HO-07: a pool whose selector matches no namespace is closed, to wishes too, until a namespace gets the label', async () => {
    const { rig } = use;
    const namespaceSelectors = [{ matchLabels: { team: 'red' } }];
    const serviceSelectors = [{ matchLabels: { tier: 'gold' } }];
    await rig.pools({ edge: { addresses: EDGE, serviceAllocation: { namespaceSelectors } } });
    await rig.service('plain');
    await rig.service('by-ip', { annotations: { [IPS]: '203.0.113.42' } });
    await rig.service('by-pool', from('edge'));
    for (const name of ['by-ip', 'by-pool']) await rig.hasReason(name, 'SelectorMismatch', 'False');
    await until(async () => expect(conditionOf(await rig.get('plain'))?.status).to.equal('False'));
    await rig.pools({ edge: { addresses: EDGE, serviceAllocation: { namespaceSelectors, serviceSelectors } } });
    await rig.service('gold', { labels: { tier: 'gold' }, ...from('edge') });
    await rig.hasReason('gold', 'SelectorMismatch', 'False');
    await label(rig, rig.shop, { team: 'red' });
    await until(async () => expect(ipsOf(await rig.get('gold'))).to.have.length(1));
    await rig.pools({ edge: { addresses: EDGE, serviceAllocation: { namespaceSelectors } } });
    await rig.has('by-ip', '203.0.113.42');
    for (const name of ['plain', 'by-pool']) {
      await until(async () => expect(ipsOf(await rig.get(name)), name).to.have.length(1));
    }
  });

  it('PV-17: a ConfigMap of that name in another namespace has no effect; a document may name metallb-system', async () => {
    const { rig } = use;
    const pool = (name: string, addresses: readonly string[]) => ({
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: { name, namespace: 'metallb-system' },
      spec: { addresses },
    });
    const data = { 'pools.yaml': JSON.stringify(pool('elsewhere', CORE)) };
    await rig.put({ metadata: { namespace: rig.shop, name: 'ip-address-pools' }, data });
    await rig.service('web');
    const [running] = rig.running;
    await remains(() => expect(running?.observed.writes('Service')).to.deep.equal([]), 1_000);
    await rig.poolText(JSON.stringify(pool('edge', EDGE)));
    await rig.has('web', '203.0.113.40');
  });
});

describe('editing pools while Services are served', () => {
  const use = useRig();
  let watch: DoubleWatch;

  beforeEach(async () => {
    await use.rig.start();
    watch = await new DoubleWatch(use.rig.client, [use.rig.shop]).start();
  });

  afterEach(async () => {
    await watch.stop();
    expect(watch.changes).to.deep.equal([]);
    expect(watch.doubles).to.deep.equal([]);
  });

  it('PE-01: the same configuration again: no change, no writes', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: EDGE } });
    await fill(rig);
    const [running] = rig.running;
    await until(async () => expect((await rig.configMap('pool-status')).data?.pools).to.match(/IPv4\s+4\s+4\s+0/));
    const isOfPools = ({ kind, at }: ApiCall) => kind !== 'Lease' && kind !== 'Event' && at.name !== HISTORY_MAP;
    const writes = () => running?.observed.writes().filter(isOfPools).length;
    const before = writes();
    await rig.pools({ edge: { addresses: EDGE } });
    await rig.touchConfigMap('ip-address-pools');
    await rig.touchConfigMap('ip-address-pools');
    await remains(() => expect(writes()).to.equal(before), 1_500);
  });

  it('PE-02: grown, or shrunk around what is used: holders keep, who waits is served at once', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: EDGE } });
    await fill(rig);
    await rig.service('waits');
    await rig.hasReason('waits', 'OutOfAddresses');
    await rig.pools({ edge: { addresses: ['203.0.113.40-203.0.113.49'] } });
    await rig.has('waits', '203.0.113.44');
    await rig.pools({ edge: { addresses: ['203.0.113.40-203.0.113.44'] } });
    await rig.service('late');
    await rig.hasReason('late', 'OutOfAddresses');
    for (const name of ['a', 'b', 'c', 'd', 'waits'])
      expect(conditionOf(await rig.get(name))?.reason).to.equal('Assigned');
  });

  it('PE-03: a used address leaves its pool: kept, said so, not given again once it is released', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: EDGE } });
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.pools({ edge: { addresses: ['203.0.113.41-203.0.113.43'] } });
    await rig.hasReason('web', 'OutsidePools', 'True');
    await rig.has('web', '203.0.113.40');
    await rig.delete('web');
    await rig.isGone('web');
    await rig.service('web');
    await rig.has('web', '203.0.113.41');
  });

  it('PE-03: avoidBuggyIPs switched on while a Service holds .0: kept, and said so', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: ['198.51.100.0/30'] } });
    await rig.service('web');
    await rig.has('web', '198.51.100.0');
    await rig.pools({ edge: { addresses: ['198.51.100.0/30'], avoidBuggyIPs: true } });
    await rig.hasReason('web', 'OutsidePools', 'True');
    await rig.has('web', '198.51.100.0');
    await rig.service('next');
    await rig.has('next', '198.51.100.1');
  });

  it('PE-04: a pool renamed, then split in two: addresses stay, the pool name follows', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: EDGE } });
    await fill(rig);
    const before = await Promise.all(['a', 'b', 'c', 'd'].map(async (name) => ipsOf(await rig.get(name)).join()));
    const poolsNow = async () => {
      const all = await Promise.all(['a', 'b', 'c', 'd'].map((name) => rig.get(name)));
      expect(all.map((service) => ipsOf(service).join())).to.deep.equal(before);
      return all.map((service) => service.metadata.annotations?.[MARK]);
    };
    await rig.pools({ shore: { addresses: EDGE } });
    await until(async () => expect(await poolsNow()).to.deep.equal(['shore', 'shore', 'shore', 'shore']));
    await rig.pools({
      low: { addresses: ['203.0.113.40-203.0.113.41'] },
      high: { addresses: ['203.0.113.42-203.0.113.43'] },
    });
    const half = (ip: string) => (Number(ip.split('.')[3]) < 42 ? 'low' : 'high');
    await until(async () => expect(await poolsNow()).to.deep.equal(before.map(half)));
  });

  it('PE-05: a used pool deleted, with and without another one: holders keep, new ones use what is left', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: EDGE }, spare: { addresses: CORE } });
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.pools({ spare: { addresses: CORE } });
    await rig.hasReason('web', 'OutsidePools', 'True');
    await rig.service('new');
    await rig.has('new', '198.51.100.0');
    await rig.noPools();
    await rig.hasReason('new', 'OutsidePools', 'True');
    await rig.service('none');
    await rig.hasReason('none', 'NoPool', 'False');
    await rig.has('web', '203.0.113.40');
    await rig.has('new', '198.51.100.0');
  });

  it('PE-07: a pool closed to new allocations: holders keep, new ones must ask; opened, it goes on', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: EDGE } });
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.pools({ edge: { addresses: EDGE, autoAssign: false } });
    await rig.service('new');
    await rig.hasReason('new', 'NoPool', 'False');
    await rig.service('asks', from('edge'));
    await rig.has('asks', '203.0.113.41');
    expect(conditionOf(await rig.has('web', '203.0.113.40'))?.status).to.equal('True');
    await rig.pools({ edge: { addresses: EDGE } });
    await rig.has('new', '203.0.113.42');
  });

  it('PE-08: an edit that makes pools overlap is refused whole; the last good one serves new Services too', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: EDGE } });
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.pools({ edge: { addresses: EDGE }, shore: { addresses: ['203.0.113.43-203.0.113.60'] } });
    const refusal = await until(async () => {
      const all = await rig.eventsOf('ip-address-pools', rig.system);
      const found = all.find(({ reason }) => reason === 'ConfigurationRefused');
      expect(found).to.not.equal(undefined);
      return found?.message;
    });
    expect(refusal).to.include('edge').and.include('shore');
    await rig.service('new');
    await rig.has('new', '203.0.113.41');
  });

  it('RC-05: pools swapped again and again under a burst: one snapshot each time, no address twice', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: ['203.0.113.0/25'] } });
    const names = Array.from({ length: 60 }, (_, n) => `s-${n}`);
    const making = Promise.all(names.map((name) => rig.service(name)));
    for (let n = 0; n < 6; n += 1) {
      await rig.pools(
        n % 2 === 0 ? { shore: { addresses: ['203.0.113.0/24'] } } : { edge: { addresses: ['203.0.113.0/25'] } },
      );
    }
    await making;
    await until(async () => {
      const { items } = await rig.client.list(services, { namespace: rig.shop });
      expect(new Set(items.map((service) => ipsOf(service).join())).size).to.equal(60);
      expect(items.every((service) => ipsOf(service).length === 1)).to.equal(true);
    });
  });
});
