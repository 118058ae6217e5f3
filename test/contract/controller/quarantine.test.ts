// SPDX-License-Identifier: Apache-2.0
import { IpAddress, ledgerObjectOf, releaseWrite, usageCondition } from '@berth/core';
import { configMaps } from '@berth/kube';
import { expect } from 'chai';
import { conditionOf, ipsOf, type Rig, useRig } from '../support/rig.ts';
import { conflictOn, reportTaken, STRANGER } from '../support/taken-addresses.ts';
import { remains, until } from '../support/until.ts';

const POOL = { lan: { addresses: ['203.0.113.40-203.0.113.43'] } };
const IPS = 'berth.dev/loadBalancerIPs';

/** As `kubectl berth pool release` does. */
async function release(rig: Rig, text: string): Promise<void> {
  const { items } = await rig.client.list(configMaps, { namespace: rig.system });
  const objects = items.filter(({ metadata }) => /^ledger/.test(metadata.name)).map(ledgerObjectOf);
  const write = releaseWrite(objects, conflictOn(text).vip);
  if (write?.kind !== 'patch') throw new Error(`${text} is not in quarantine`);
  const at = { namespace: rig.system, name: write.name };
  await rig.client.patch(configMaps, at, { type: 'merge', body: write.patch });
}

describe('addresses that strangers use', () => {
  const use = useRig();

  beforeEach(async () => {
    await use.rig.start();
    await use.rig.pools(POOL);
  });

  it('GR-07: a Service that was given one gets another at once, and status, Event and metric tell', async () => {
    const { rig } = use;
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await reportTaken(rig, 'n1', ['203.0.113.40', '203.0.113.43']);
    await rig.has('web', '203.0.113.41');
    await rig.ledgerHolds({ '203.0.113.41': 'web' });
    const events = await rig.hasEvents('web', ['IPAllocated', 'AddressInUse', 'ClearAssignment', 'IPAllocated']);
    expect(events.find(({ reason }) => reason === 'AddressInUse')?.message)
      .to.include(STRANGER)
      .and.include('node n1');
    await until(async () => {
      const { data = {} } = await rig.configMap('pool-status');
      expect(data.quarantined).to.match(/^203\.0\.113\.40 +00:00:5e:00:53:01 +n1 .*\n203\.0\.113\.43 /);
      expect(data.pools).to.match(/lan +IPv4 +4 +1 +1 +2/);
    });
    const metrics = await rig.running[0]?.controller.metrics.text();
    expect(metrics).to.include('berth_pool_addresses_quarantined{pool="lan",family="IPv4"} 2');
  });

  it('GR-07: who asks for one by name is refused with the MAC; released, it is given', async () => {
    const { rig } = use;
    await reportTaken(rig, 'n1', ['203.0.113.40']);
    await until(async () => expect((await rig.configMap('pool-status')).data?.quarantined).to.include('203.0.113.40'));
    await rig.service('web', { annotations: { [IPS]: '203.0.113.40' } });
    const refused = await rig.hasReason('web', 'AddressInUse', 'False');
    expect(conditionOf(refused)?.message).to.include(STRANGER);
    await rig.service('other');
    await rig.has('other', '203.0.113.41');
    await release(rig, '203.0.113.40');
    await rig.has('web', '203.0.113.40');
  });

  it('GR-07: a Service that was announced keeps its address: that is an alarm and no more', async () => {
    const { rig } = use;
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    const vip = IpAddress.parse('203.0.113.40');
    const used = vip.ok ? [vip.value] : [];
    const announced = usageCondition({ loadBalancerClass: 'berth.dev/l2', given: used, used });
    const others = (await rig.get('web')).status?.conditions?.filter(({ type }) => type !== announced.type) ?? [];
    const lastTransitionTime = new Date().toISOString();
    await rig.editStatus('web', { conditions: [...others, { ...announced, lastTransitionTime }] });
    await reportTaken(rig, 'n1', ['203.0.113.40', '203.0.113.43']);
    await until(async () => expect((await rig.configMap('pool-status')).data?.quarantined).to.include('203.0.113.43'));
    await remains(async () => expect(ipsOf(await rig.get('web'))).to.deep.equal(['203.0.113.40']), 500);
    expect((await rig.configMap('pool-status')).data?.quarantined).to.not.include('203.0.113.40');
  });
});
