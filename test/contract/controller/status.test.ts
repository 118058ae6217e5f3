// SPDX-License-Identifier: Apache-2.0
import { configMaps, type KubeObject } from '@berth/kube';
import { expect } from 'chai';
import { CONDITION, conditionOf, FINALIZER, ipsOf, type Rig, useRig } from '../support/rig.ts';
import { until } from '../support/until.ts';

const FOUR = { lan: { addresses: ['203.0.113.40/30'] } };
const IPS = 'berth.dev/loadBalancerIPs';

/** Waits until the pool report says so. */
const reports = (rig: Rig, key: string, text: string | RegExp) =>
  until(async () => {
    const data = (await rig.configMap('pool-status')).data ?? {};
    if (typeof text === 'string') expect(data[key]).to.equal(text);
    else expect(data[key]).to.match(text);
  });

const metric = async (rig: Rig, name: string): Promise<string[]> => {
  const text = (await rig.running[0]?.controller.metrics.text()) ?? '';
  return text.split('\n').filter((line) => line.startsWith(name));
};

/** Waits until exactly these series are there: what a test reads of the API server is written before it is counted. */
const shows = (rig: Rig, name: string, ...lines: readonly string[]) =>
  until(async () => expect(await metric(rig, name)).to.deep.equal(lines));

describe('what the controller tells', () => {
  const use = useRig();

  describe('on a Service', () => {
    beforeEach(() => use.rig.start());

    it('ST-01: given: one Normal Event; taken away: an Event', async () => {
      const { rig } = use;
      await rig.pools(FOUR);
      await rig.service('web');
      await rig.has('web', '203.0.113.40');
      const [given] = await rig.hasEvents('web', ['IPAllocated']);
      expect(given).to.include({ type: 'Normal', count: 1 });
      expect(given?.message).to.include('203.0.113.40');
      await rig.edit('web', { metadata: { annotations: { [IPS]: '203.0.113.42' } } });
      await rig.hasEvents('web', ['IPAllocated', 'IPAllocated', 'ClearAssignment']);
    });

    it('ST-01: refused: one Warning with the reason, not one per retry', async () => {
      const { rig } = use;
      await rig.pools({ lan: { addresses: ['203.0.113.40/32'] } });
      await rig.service('web');
      await rig.has('web', '203.0.113.40');
      await rig.service('waits');
      await rig.hasReason('waits', 'OutOfAddresses');
      for (const name of ['x', 'y']) {
        await rig.service(name);
        await rig.hasReason(name, 'OutOfAddresses');
        await rig.delete(name);
        await rig.edit('waits', { metadata: { labels: { retry: name } } });
      }
      const [event] = await rig.hasEvents('waits', ['AllocationFailed']);
      expect(event).to.include({ type: 'Warning', count: 1 });
      expect(event?.message).to.equal(conditionOf(await rig.get('waits'))?.message);
    });

    it('ST-01: a restart tells nothing again', async () => {
      const { rig } = use;
      await rig.pools({ lan: { addresses: ['203.0.113.40/32'] } });
      await rig.service('web');
      await rig.has('web', '203.0.113.40');
      await rig.service('waits');
      await rig.hasReason('waits', 'OutOfAddresses');
      await rig.hasEvents('waits', ['AllocationFailed']);
      const [first] = rig.running;
      if (first) await rig.stop(first);
      await rig.start();
      await rig.delete('web');
      await rig.has('waits', '203.0.113.40');
      await rig.hasEvents('waits', ['AllocationFailed', 'IPAllocated']);
    });

    const reasons: { reason: string; annotations?: Record<string, string> }[] = [
      { reason: 'OutOfAddresses' },
      { reason: 'AlreadyAllocated', annotations: { [IPS]: '203.0.113.40' } },
      { reason: 'SelectorMismatch', annotations: { 'berth.dev/address-pool': 'closed' } },
      { reason: 'NoPool', annotations: { 'berth.dev/address-pool': 'nowhere' } },
    ];
    for (const { reason, annotations = {} } of reasons) {
      it(`ST-04: True after success, False with reason ${reason}`, async () => {
        const { rig } = use;
        const closed = { addresses: ['198.51.100.0/30'], serviceAllocation: { namespaces: ['nobody'] } };
        await rig.pools({ lan: { addresses: ['203.0.113.40/32'] }, closed });
        await rig.service('web');
        expect(conditionOf(await rig.has('web', '203.0.113.40'))).to.include({ status: 'True', type: CONDITION });
        await rig.service('refused', { annotations });
        const service = await rig.hasReason('refused', reason, 'False');
        expect(conditionOf(service)?.message).to.match(/\S/);
        expect(ipsOf(service)).to.deep.equal([]);
      });
    }

    it('ST-05: type leaves us: our conditions and marks are removed, those of others stay', async () => {
      const { rig } = use;
      await rig.pools(FOUR);
      await rig.service('web');
      const before = await rig.has('web', '203.0.113.40');
      const other = {
        type: 'example.com/Other',
        status: 'True',
        reason: 'X',
        message: '',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      };
      const announced = { ...other, type: 'berth.dev/Announced' };
      await rig.editStatus('web', { conditions: [...(before.status?.conditions ?? []), announced, other] });
      await rig.edit('web', { spec: { type: 'ClusterIP', allocateLoadBalancerNodePorts: null } });
      await until(async () => {
        const service = await rig.get('web');
        expect(service.status?.conditions?.map(({ type }) => type)).to.deep.equal(['example.com/Other']);
        expect(service.metadata.annotations ?? {}).to.deep.equal({});
        expect(service.metadata.finalizers ?? []).to.not.include(FINALIZER);
      });
    });

    it('LC-20: objects of the cache are never changed in place', async () => {
      const { rig } = use;
      const [running] = rig.running;
      if (running) running.observed.onObject = (_, object) => freeze(object);
      await rig.pools(FOUR);
      await rig.service('web', { annotations: { [IPS]: '203.0.113.41' }, labels: { a: 'b' } });
      await rig.has('web', '203.0.113.41');
      await rig.edit('web', { metadata: { annotations: { [IPS]: '203.0.113.42' } } });
      await rig.has('web', '203.0.113.42');
      await rig.edit('web', { spec: { type: 'ClusterIP', allocateLoadBalancerNodePorts: null } });
      await rig.has('web');
      await rig.ledgerHolds({});
    });
  });

  describe('about pools', () => {
    beforeEach(() => use.rig.start());

    it('ST-10: per family total, used and free; grown; present for an idle pool; hand edits are set back', async () => {
      const { rig } = use;
      await rig.pools({ ...FOUR, idle: { addresses: ['2001:db8:5::/112'] } });
      await rig.service('web');
      await rig.has('web', '203.0.113.40');
      await reports(rig, 'pools', /lan\s+IPv4\s+4\s+1\s+3\s+0\s+203\.0\.113\.40\/30/);
      await reports(rig, 'pools', /idle\s+IPv6\s+65536\s+0\s+65536/);
      await rig.pools({ lan: { addresses: ['203.0.113.40/29'] } });
      await reports(rig, 'pools', /lan\s+IPv4\s+8\s+1\s+7/);
      const before = await rig.configMap('pool-status');
      await rig.client.replace(configMaps, { ...before, data: { ...before.data, pools: 'all fine' } });
      await reports(rig, 'pools', before.data?.pools ?? '');
      const usage = JSON.parse(before.data?.['pools.json'] ?? '') as unknown[];
      expect(usage[0]).to.include({ pool: 'lan', family: 'IPv4', total: '8', used: '1', free: '7' });
    });

    it('ST-10: Services that the last edit stranded are listed', async () => {
      const { rig } = use;
      await rig.pools(FOUR);
      await rig.service('web');
      await rig.has('web', '203.0.113.40');
      await rig.pools({ lan: { addresses: ['198.51.100.0/30'] } });
      await reports(rig, 'stranded', new RegExp(`${rig.shop}/web\\s+203\\.0\\.113\\.40\\s+OutsidePools`));
      await rig.pools(FOUR);
      await reports(rig, 'stranded', '');
    });

    it('logs what an applied edit means for the Services', async () => {
      const { rig } = use;
      await rig.pools({ lan: { addresses: ['203.0.113.40/31'] } });
      for (const name of ['a', 'b']) await rig.service(name);
      await until(async () => expect((await rig.ledger()).size).to.equal(2));
      await rig.service('waits');
      await rig.hasReason('waits', 'OutOfAddresses');
      await rig.pools({ lan: { addresses: ['203.0.113.41-203.0.113.42'] } });
      const report = await until(() => {
        const line = rig.running[0]?.log.find((text) => text.startsWith('info pool configuration applied '));
        expect(line).to.not.equal(undefined);
        return JSON.parse(line?.slice('info pool configuration applied '.length) ?? '') as Record<string, unknown>;
      });
      expect(report.stranded).to.have.property('count', 1);
      expect(report.gaining).to.have.property('count', 1);
      expect(report).to.include({ staying: 1 });
    });

    it('ST-11: total and in use per pool and family; a shared address counts once; series go with the pool', async () => {
      const { rig } = use;
      await rig.pools(FOUR);
      const annotations = { 'berth.dev/allow-shared-ip': 'front' };
      await rig.service('a', { annotations, spec: { ports: [{ port: 80, protocol: 'TCP' }] } });
      await rig.has('a', '203.0.113.40');
      await rig.service('b', { annotations, spec: { ports: [{ port: 443, protocol: 'TCP' }] } });
      await rig.has('b', '203.0.113.40');
      await shows(rig, 'berth_pool_addresses_total{', 'berth_pool_addresses_total{pool="lan",family="IPv4"} 4');
      await shows(rig, 'berth_pool_addresses_in_use{', 'berth_pool_addresses_in_use{pool="lan",family="IPv4"} 1');
      await rig.pools({ other: { addresses: ['198.51.100.0/30'] } });
      await shows(rig, 'berth_pool_addresses_total{', 'berth_pool_addresses_total{pool="other",family="IPv4"} 4');
    });

    it('ST-13: report Unknown, Valid, Invalid with the problems; loaded and stale follow; re-created if deleted', async () => {
      const { rig } = use;
      const flags = async (loaded: 0 | 1, stale: 0 | 1) => {
        await shows(rig, 'berth_config_loaded', `berth_config_loaded ${loaded}`);
        await shows(rig, 'berth_config_stale', `berth_config_stale ${stale}`);
      };
      await reports(rig, 'config', 'Unknown');
      await rig.pools(FOUR);
      await reports(rig, 'config', 'Valid');
      await flags(1, 0);
      await rig.pools({ lan: { addresses: ['203.0.113.300/30'], colour: 'red' } });
      await reports(rig, 'config', 'Invalid');
      await reports(rig, 'problems', /203\.0\.113\.300[\s\S]*colour|colour[\s\S]*203\.0\.113\.300/);
      await flags(1, 1);
      await rig.deleteConfigMap('pool-status');
      await reports(rig, 'config', 'Invalid');
      await rig.pools(FOUR);
      await reports(rig, 'config', 'Valid');
      await reports(rig, 'problems', '');
      await flags(1, 0);
    });

    it('RC-02: a bad configuration is told whole, the last good one stays, also over a restart; repaired, it is loaded', async () => {
      const { rig } = use;
      await rig.pools(FOUR);
      await rig.service('web');
      await rig.has('web', '203.0.113.40');
      await rig.poolText('kind: IPAddressPool\nspec:\n  addresses: [1, 2\n');
      const refused = await until(async () => {
        const all = await rig.eventsOf('ip-address-pools', rig.system);
        const found = all.filter(({ reason }) => reason === 'ConfigurationRefused');
        expect(found).to.have.length(1);
        return found[0];
      });
      expect(refused?.type).to.equal('Warning');
      expect(refused?.message).to.match(/pools\.yaml:\d+:\d+/);
      expect(rig.running[0]?.log.join('\n')).to.match(/error pool configuration refused.*pools\.yaml/);
      await rig.service('second');
      await rig.has('second', '203.0.113.41');
      const [first] = rig.running;
      if (first) await rig.stop(first);
      const { observed } = await rig.start();
      await rig.service('third');
      await rig.has('third', '203.0.113.42');
      expect(observed.writes('Service').map(({ at }) => at.name)).to.deep.equal(['third']);
      await rig.pools({ lan: { addresses: ['203.0.113.40/29'] } });
      await reports(rig, 'config', 'Valid');
      await rig.service('fourth');
      await rig.has('fourth', '203.0.113.43');
    });

    it('RC-02: a ConfigMap that is deleted leaves the last good configuration in force, and is flagged', async () => {
      const { rig } = use;
      await rig.pools(FOUR);
      await rig.service('web');
      await rig.has('web', '203.0.113.40');
      await rig.deleteConfigMap('ip-address-pools');
      await reports(rig, 'config', 'Missing');
      await shows(rig, 'berth_config_stale', 'berth_config_stale 1');
      await rig.service('new');
      await rig.has('new', '203.0.113.41');
    });
  });
});

/** Freezes an object all the way down: a change in place throws. */
function freeze(object: KubeObject | object): undefined {
  for (const value of Object.values(object)) if (typeof value === 'object' && value !== null) freeze(value as object);
  Object.freeze(object);
}
