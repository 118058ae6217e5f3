// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { conditionOf, ipsOf, useRig } from '../support/rig.ts';
import { until } from '../support/until.ts';

describe('keeping and giving back addresses', () => {
  const use = useRig();

  beforeEach(() => use.rig.start());

  it('a freed address rests for its cooldown, and goes to who waits when that ends', async () => {
    const { rig } = use;
    await rig.pools({ lan: { addresses: ['203.0.113.40/32'], cooldown: '2s' } });
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.service('next');
    await rig.hasReason('next', 'OutOfAddresses', 'False');
    const startedAt = performance.now();
    await rig.delete('web');
    await rig.has('next', '203.0.113.40');
    expect(performance.now() - startedAt).to.be.within(1_900, 10_000);
    const told = await rig.hasEvents('next', ['AllocationFailed', 'AllocationFailed', 'IPAllocated']);
    expect(told.map(({ message }) => message).join()).to.match(/rest/i);
  });

  it('within the cooldown the former owner gets its address back at once', async () => {
    const { rig } = use;
    await rig.pools({ lan: { addresses: ['203.0.113.40-203.0.113.41'], cooldown: '1h' } });
    await rig.service('other');
    await rig.service('web');
    // The ledger holds an address a moment before the status shows it.
    await until(async () => expect(ipsOf(await rig.get('web'))).to.have.length(1));
    const before = ipsOf(await rig.get('web'));
    await rig.delete('web');
    await rig.isGone('web');
    await rig.service('web');
    await rig.has('web', ...before);
  });

  it('PE-03: a Service that is asked to renumber leaves its address, and the request goes', async () => {
    const { rig } = use;
    await rig.pools({ lan: { addresses: ['203.0.113.40/31'] } });
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.pools({ lan: { addresses: ['203.0.113.41/32'] } });
    await rig.hasReason('web', 'OutsidePools', 'True');
    await rig.edit('web', { metadata: { annotations: { 'berth.dev/renumber': '203.0.113.40' } } });
    const service = await rig.has('web', '203.0.113.41');
    await until(async () =>
      expect((await rig.get('web')).metadata.annotations).to.not.have.property('berth.dev/renumber'),
    );
    expect(conditionOf(service)?.status).to.equal('True');
    await rig.ledgerHolds({ '203.0.113.41': 'web' });
  });

  it('keeps a reserved address for its Service, and a namespace within its quota', async () => {
    const { rig } = use;
    const reserved = [{ address: '203.0.113.40', service: `${rig.shop}/vip` }];
    await rig.pools({ lan: { addresses: ['203.0.113.40-203.0.113.45'], reserved, quota: { perNamespace: 2 } } });
    await rig.service('web');
    await rig.has('web', '203.0.113.41');
    await rig.service('vip');
    await rig.has('vip', '203.0.113.40');
    await rig.service('third');
    await rig.hasReason('third', 'QuotaExceeded', 'False');
    await rig.delete('web');
    await rig.has('third', '203.0.113.41');
  });
});
