// SPDX-License-Identifier: Apache-2.0
import { configMaps, type Service } from '@berth/kube';
import { expect } from 'chai';
import { DoubleWatch } from '../support/double-watch.ts';
import { ipsOf, type Rig, useRig } from '../support/rig.ts';
import { until } from '../support/until.ts';

const RANGE = { lan: { addresses: ['203.0.113.40-203.0.113.59'] } };

/** Shows an address that no controller of ours has given: what a restore from a backup leaves. */
const show = (rig: Rig, name: string, ip: string) => rig.editStatus(name, { loadBalancer: { ingress: [{ ip }] } });

async function serve(rig: Rig, count: number): Promise<ReadonlyMap<string, string>> {
  const names = Array.from({ length: count }, (_, n) => `s-${n}`);
  await Promise.all(names.map((name) => rig.service(name)));
  return until(async () => {
    const all = await Promise.all(names.map(async (name) => [name, ipsOf(await rig.get(name)).join()] as const));
    for (const [name, ip] of all) expect(ip, name).to.not.equal('');
    return new Map(all);
  });
}

/** Creation times have whole seconds: makes two Services of which the first is older by the clock. */
async function olderAndYounger(rig: Rig, older: string, younger: string): Promise<void> {
  const first = await rig.service(older);
  await until(async () => {
    const second = await rig.service(younger, {});
    if (stampOf(first) === stampOf(second)) {
      await rig.delete(younger);
      throw new Error('made in the same second');
    }
  });
}

const stampOf = ({ metadata }: Service) => metadata.creationTimestamp;

describe('the ledger', () => {
  const use = useRig();
  let watch: DoubleWatch;

  beforeEach(async () => {
    watch = await new DoubleWatch(use.rig.client, [use.rig.shop]).start();
  });

  afterEach(() => watch.stop());

  const disturbances: { name: string; disturb: (rig: Rig) => Promise<unknown> }[] = [
    { name: 'deleted', disturb: (rig) => rig.deleteConfigMap('ledger') },
    { name: 'emptied', disturb: (rig) => editLedger(rig, () => ({})) },
    {
      name: 'cut in half',
      disturb: (rig) => editLedger(rig, (data) => Object.fromEntries(Object.entries(data).slice(0, 2))),
    },
    {
      name: 'filled with garbage',
      disturb: (rig) => editLedger(rig, (data) => Object.fromEntries(Object.keys(data).map((key) => [key, '{"po']))),
    },
  ];

  for (const { name, disturb } of disturbances) {
    it(`HO-16: ${name} while a controller runs: rebuilt from statuses, told, no address changes`, async () => {
      const { rig } = use;
      const { log } = await rig.start();
      await rig.pools(RANGE);
      const before = await serve(rig, 5);
      await disturb(rig);
      await until(() => expect(log.join()).to.include('ledger rebuilt from statuses'));
      await rig.ledgerHolds(Object.fromEntries([...before].map(([service, ip]) => [ip, service])));
      await rig.service('new');
      await until(async () => expect(ipsOf(await rig.get('new'))).to.have.length(1));
      expect(watch.changes).to.deep.equal([]);
      expect(watch.doubles).to.deep.equal([]);
      const told = await until(async () => {
        const all = await rig.eventsOf('ledger', rig.system);
        expect(all.length).to.be.greaterThan(0);
        return all;
      });
      expect(told[0]).to.include({ reason: 'LedgerRebuilt', type: 'Warning' });
    });

    it(`HO-16: ${name} while no controller runs: the same`, async () => {
      const { rig } = use;
      const first = await rig.start();
      await rig.pools(RANGE);
      const before = await serve(rig, 5);
      await rig.stop(first);
      await disturb(rig);
      const { observed } = await rig.start();
      await rig.ledgerHolds(Object.fromEntries([...before].map(([service, ip]) => [ip, service])));
      expect(observed.writes('Service')).to.deep.equal([]);
      expect(watch.changes).to.deep.equal([]);
    });
  }

  for (const order of ['older first', 'younger first'] as const) {
    it(`HO-16, LC-18: no ledger, two statuses with one address (${order} by name): the older one is taken over`, async () => {
      const { rig } = use;
      const [older, younger] = order === 'older first' ? ['a', 'z'] : ['z', 'a'];
      await olderAndYounger(rig, older, younger);
      for (const name of [older, younger]) await show(rig, name, '203.0.113.40');
      await rig.pools(RANGE);
      const first = await rig.start();
      await rig.has(older, '203.0.113.40');
      await rig.hasReason(older, 'Assigned', 'True');
      await rig.hasReason(younger, 'ForeignAddress', 'False');
      await rig.hasEvents(younger, ['ForeignAddress']);
      await rig.ledgerHolds({ '203.0.113.40': older });
      await rig.stop(first);
      const second = await rig.start();
      await until(() => expect(second.log.join()).to.include('ledger read'));
      await rig.service('new');
      await rig.has('new', '203.0.113.41');
      await rig.has(older, '203.0.113.40');
      await rig.has(younger, '203.0.113.40');
    });
  }

  it('LC-18: with a ledger entry the holder keeps it, be it the younger one', async () => {
    const { rig } = use;
    await olderAndYounger(rig, 'older', 'younger');
    await rig.edit('older', { metadata: { annotations: { 'berth.dev/loadBalancerIPs': '203.0.113.50' } } });
    await rig.pools(RANGE);
    const first = await rig.start();
    await rig.has('older', '203.0.113.50');
    await rig.has('younger', '203.0.113.40');
    await rig.stop(first);
    await rig.edit('older', { metadata: { annotations: { 'berth.dev/loadBalancerIPs': null } } });
    await show(rig, 'older', '203.0.113.40');
    await rig.start();
    await rig.has('older', '203.0.113.50');
    await rig.has('younger', '203.0.113.40');
  });

  it('HO-17: with one sharing key and different ports both keep the address', async () => {
    const { rig } = use;
    const annotations = { 'berth.dev/allow-shared-ip': 'front' };
    await rig.service('a', { annotations, spec: { ports: [{ port: 80, protocol: 'TCP' }] } });
    await rig.service('b', { annotations, spec: { ports: [{ port: 443, protocol: 'TCP' }] } });
    for (const name of ['a', 'b']) await show(rig, name, '203.0.113.40');
    await rig.pools(RANGE);
    await rig.start();
    await rig.hasReason('a', 'Assigned', 'True');
    await rig.hasReason('b', 'Assigned', 'True');
    expect(watch.changes).to.deep.equal([]);
    expect((await rig.ledger()).get('203.0.113.40')).to.have.members([`${rig.shop}/a`, `${rig.shop}/b`]);
  });

  it('gives a Service that is made again the address that it had', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools(RANGE);
    const [lower, higher] = [...(await serve(rig, 4))].sort(([, a], [, b]) => (a < b ? -1 : 1)).slice(1, 3);
    for (const [name = ''] of [lower ?? [], higher ?? []]) {
      await rig.delete(name);
      await rig.isGone(name);
    }
    const [name = '', ip = ''] = higher ?? [];
    await rig.service(name);
    await rig.has(name, ip);
  });
});

async function editLedger(
  rig: Rig,
  edit: (data: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
): Promise<void> {
  const ledger = await rig.configMap('ledger');
  await rig.client.replace(configMaps, { ...ledger, data: edit(ledger.data ?? {}) });
}
