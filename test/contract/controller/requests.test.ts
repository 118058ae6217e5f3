// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { conditionOf, ipsOf, type Rig, useRig } from '../support/rig.ts';
import { until } from '../support/until.ts';

const IPS = 'berth.dev/loadBalancerIPs';
const POOL = 'berth.dev/address-pool';

const POOLS = {
  edge: { addresses: ['203.0.113.40-203.0.113.49', '2001:db8:5::40-2001:db8:5::4f'] },
  core: { addresses: ['198.51.100.0/28', '2001:db8:6::/124'], autoAssign: false },
};

const wish = (name: string, value: string) => ({ annotations: { [name]: value } });
const DUAL = { ipFamilyPolicy: 'RequireDualStack' };

/** A Service that is refused: no address, a False condition with a reason, one Warning. */
async function isRefused(rig: Rig, name: string, reason: string, ...mentions: string[]): Promise<void> {
  const service = await rig.hasReason(name, reason, 'False');
  expect(ipsOf(service)).to.deep.equal([]);
  for (const text of mentions) expect(conditionOf(service)?.message).to.include(text);
  const [event] = await rig.hasEvents(name, ['AllocationFailed']);
  expect(event).to.include({ type: 'Warning', message: conditionOf(service)?.message });
}

describe('asking for a specific address', () => {
  const use = useRig();

  beforeEach(async () => {
    await use.rig.pools(POOLS);
    await use.rig.start();
  });

  it('RQ-01: field or annotation, free and in a pool: exactly that', async () => {
    const { rig } = use;
    await rig.service('field', { spec: { loadBalancerIP: '203.0.113.44' } });
    await rig.service('annotation', wish(IPS, '203.0.113.45'));
    await rig.has('field', '203.0.113.44');
    await rig.has('annotation', '203.0.113.45');
  });

  it('RQ-01: an address of a pool that gives none by itself', async () => {
    const { rig } = use;
    await rig.service('web', wish(IPS, '198.51.100.7'));
    await rig.has('web', '198.51.100.7');
  });

  it('RQ-03: field and annotation that agree are granted', async () => {
    const { rig } = use;
    await rig.service('one', { ...wish(IPS, '203.0.113.44'), spec: { loadBalancerIP: '203.0.113.44' } });
    await rig.has('one', '203.0.113.44');
    const both = wish(IPS, '203.0.113.45,2001:db8:5::45');
    await rig.service('dual', { ...both, spec: { ...DUAL, loadBalancerIP: '2001:db8:5::45' } });
    await rig.has('dual', '203.0.113.45', '2001:db8:5::45');
  });

  it('RQ-03: field and annotation that differ are refused, both in the message', async () => {
    const { rig } = use;
    await rig.service('web', { ...wish(IPS, '203.0.113.44'), spec: { loadBalancerIP: '203.0.113.45' } });
    await isRefused(rig, 'web', 'InvalidRequest', '203.0.113.44', '203.0.113.45');
  });

  it('RQ-03: two spellings of one annotation that differ are refused, both in the message', async () => {
    const { rig } = use;
    const annotations = { [IPS]: '203.0.113.44', 'metallb.io/loadBalancerIPs': '203.0.113.45' };
    await rig.service('web', { annotations });
    await isRefused(rig, 'web', 'InvalidRequest', '203.0.113.44', '203.0.113.45');
    const same = { [IPS]: '203.0.113.44', 'metallb.universe.tf/loadBalancerIPs': '203.0.113.44' };
    await rig.service('same', { annotations: same });
    await rig.has('same', '203.0.113.44');
  });

  it('RQ-04: two IPv4 addresses are refused: more than one per family is not supported', async () => {
    const { rig } = use;
    await rig.service('web', wish(IPS, '203.0.113.44,203.0.113.45'));
    await isRefused(rig, 'web', 'InvalidRequest', 'more than one address per family is not supported');
  });

  for (const text of [
    'not-an-ip',
    '203.0.113.300',
    '203.0.113.40/32',
    '2001:db8:5::7%lan0',
    '203.0.113.44;203.0.113.45',
  ]) {
    it(`RQ-05: "${text}" is refused, no crash`, async () => {
      const { rig } = use;
      await rig.service('web', wish(IPS, text));
      await isRefused(rig, 'web', 'InvalidRequest');
      await rig.service('other');
      await rig.has('other', '203.0.113.40');
    });
  }

  it('RQ-06: an address in no pool: none, and a Warning', async () => {
    const { rig } = use;
    await rig.service('web', wish(IPS, '192.0.2.9'));
    await isRefused(rig, 'web', 'NoPool', '192.0.2.9');
  });

  it('RQ-07: a holder that asks for an address in no pool keeps its own, the condition says why', async () => {
    const { rig } = use;
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.edit('web', { metadata: { annotations: { [IPS]: '192.0.2.9' } } });
    const service = await rig.hasReason('web', 'NoPool', 'True');
    expect(ipsOf(service)).to.deep.equal(['203.0.113.40']);
    expect(conditionOf(service)?.message).to.include('192.0.2.9');
  });

  it('RQ-08: a holder that asks for a free address gets it, and its old one is free', async () => {
    const { rig } = use;
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.edit('web', { metadata: { annotations: { [IPS]: '203.0.113.45' } } });
    await rig.has('web', '203.0.113.45');
    await rig.ledgerHolds({ '203.0.113.45': 'web' });
    await rig.service('next');
    await rig.has('next', '203.0.113.40');
  });

  it('RQ-09: an address that is not in the pool that is asked for is refused', async () => {
    const { rig } = use;
    await rig.service('web', { annotations: { [POOL]: 'edge', [IPS]: '198.51.100.7' } });
    const service = await until(async () => {
      const found = await rig.get('web');
      expect(conditionOf(found)?.status).to.equal('False');
      return found;
    });
    expect(conditionOf(service)?.message).to.include('198.51.100.7').and.include('edge');
    expect(ipsOf(service)).to.deep.equal([]);
  });

  it('RQ-10: an address of a family that the Service does not have is refused, by field or annotation', async () => {
    const { rig } = use;
    const v6 = { ipFamilies: ['IPv6'] };
    await rig.service('v6-annotation', { ...wish(IPS, '203.0.113.44'), spec: v6 });
    await rig.service('v6-field', { spec: { ...v6, loadBalancerIP: '203.0.113.44' } });
    await rig.service('v4-annotation', wish(IPS, '2001:db8:5::44'));
    await rig.service('v4-field', { spec: { loadBalancerIP: '2001:db8:5::44' } });
    for (const name of ['v6-annotation', 'v6-field']) await isRefused(rig, name, 'InvalidRequest', 'IPv4');
    for (const name of ['v4-annotation', 'v4-field']) await isRefused(rig, name, 'InvalidRequest', 'IPv6');
  });

  it('RQ-11: an address that another holds: pending, then granted when the holder goes', async () => {
    const { rig } = use;
    await rig.service('holder', wish(IPS, '203.0.113.44'));
    await rig.has('holder', '203.0.113.44');
    await rig.service('waits', wish(IPS, '203.0.113.44'));
    await isRefused(rig, 'waits', 'AlreadyAllocated', 'holder');
    await rig.delete('holder');
    await rig.has('waits', '203.0.113.44');
  });

  it('SE-03: our own marks on a Service, edited by a user, have no effect and are set back', async () => {
    const { rig } = use;
    const mark = 'berth.dev/ip-allocated-from-pool';
    await rig.service('web', wish(mark, 'core'));
    await rig.has('web', '203.0.113.40');
    await rig.edit('web', { metadata: { annotations: { [mark]: 'core' } } });
    await until(async () => expect((await rig.get('web')).metadata.annotations?.[mark]).to.equal('edge'));
    await rig.has('web', '203.0.113.40');
  });

  it('AL-02: nothing changed on the second look: same address, no API write', async () => {
    const { rig } = use;
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    const [running] = rig.running;
    const before = running?.observed.writes('Service').length;
    await rig.edit('web', { metadata: { annotations: { note: 'touched' } } });
    await rig.service('next');
    await rig.has('next', '203.0.113.41');
    expect(running?.observed.writes('Service')).to.have.length((before ?? 0) + 1);
  });

  it('AL-05: a full pool without cooldown: who waits gets what becomes free, without being touched', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: ['203.0.113.40-203.0.113.43'] } });
    for (const name of ['a', 'b', 'c', 'd']) await rig.service(name);
    // The ledger holds an address a moment before the status shows it.
    const shownOf = async (name: string) => ipsOf(await rig.get(name));
    for (const name of ['a', 'b', 'c', 'd']) await until(async () => expect(await shownOf(name)).to.have.length(1));
    const [freed = ''] = await shownOf('a');
    await rig.service('fifth');
    await isRefused(rig, 'fifth', 'OutOfAddresses');
    await rig.delete('a');
    await rig.has('fifth', freed);
  });
});

describe('sharing an address', () => {
  const use = useRig();
  const SHARE = 'berth.dev/allow-shared-ip';

  it('SH-12: one turns to Local and loses the address; aligned they share again; a selector parts and joins them', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: ['203.0.113.60/32'] } });
    await rig.start();
    const annotations = { [SHARE]: 'front', [IPS]: '203.0.113.60' };
    const service = (name: string, port: number) =>
      rig.service(name, { annotations, spec: { ports: [{ port, protocol: 'TCP' }], selector: { app: 'web' } } });
    await service('a', 80);
    await rig.has('a', '203.0.113.60');
    await service('b', 443);
    await rig.has('b', '203.0.113.60');

    await rig.edit('b', { spec: { externalTrafficPolicy: 'Local' } });
    await rig.has('b');
    await rig.hasReason('b', 'AlreadyAllocated', 'False');
    await rig.has('a', '203.0.113.60');
    await rig.edit('a', { spec: { externalTrafficPolicy: 'Local' } });
    await rig.has('b', '203.0.113.60');
    await rig.edit('b', { spec: { selector: { app: 'other' } } });
    await rig.has('b');
    await rig.edit('b', { spec: { selector: { app: 'web' } } });
    await rig.has('b', '203.0.113.60');
    await rig.has('a', '203.0.113.60');
  });
});
