// SPDX-License-Identifier: Apache-2.0

// How often the controller writes to Services when nodes begin to announce them. Who announces what, with real nodes,
// is told in speaker/announced.test.ts.

import { leases } from '@berth/kube';
import { expect } from 'chai';
import { conditionOf, type Rig, useRig } from '../support/rig.ts';
import { reportOwned } from '../support/taken-addresses.ts';
import { remains, until } from '../support/until.ts';

const COUNT = 60;
const POOL = { lan: { addresses: ['203.0.113.0/26'] } };
const ADDRESSES = Array.from({ length: 64 }, (_, number) => `203.0.113.${number}`);
const NAMES = Array.from({ length: COUNT }, (_, number) => `web-${number}`);
const ANNOUNCED = 'berth.dev/Announced';

describe('the condition Announced, in a burst', () => {
  const use = useRig();

  beforeEach(async () => {
    await use.rig.start();
    await use.rig.pools(POOL);
  });

  it('goes with the patch that gives the address, where both are known', async () => {
    const { rig } = use;
    await reportOwned(rig, ADDRESSES);
    const lease = await rig.client.get(leases, { namespace: rig.system, name: 'node-edge-1' });
    await until(() => expect(rig.running[0]?.observed.hasTakenIn(lease)).to.equal(true));
    await make(rig);
    await allSay(rig, 'True');
    expect(patchedIn(rig)).to.have.length(COUNT);
    await remains(() => expect(patchedIn(rig)).to.have.length(COUNT), 2000);
  });

  it('comes with a second patch where the nodes begin afterwards, and never with a third', async () => {
    const { rig } = use;
    await make(rig);
    await reportOwned(rig, ADDRESSES);
    await allSay(rig, 'True');
    await remains(() => expect(patchedIn(rig).length).to.be.within(COUNT, 2 * COUNT), 2000);
  });
});

async function make(rig: Rig): Promise<void> {
  await Promise.all(NAMES.map((name) => rig.service(name)));
}

async function allSay(rig: Rig, status: string): Promise<void> {
  await until(async () => {
    for (const name of NAMES) {
      const service = await rig.get(name);
      expect(conditionOf(service)?.status, name).to.equal('True');
      expect(service.status?.conditions?.find(({ type }) => type === ANNOUNCED)?.status, name).to.equal(status);
    }
  }, 60_000);
}

/** Names of the Services whose status was patched, in that order. */
function patchedIn(rig: Rig): (string | undefined)[] {
  return (rig.running[0]?.observed.writes('Service') ?? []).map(({ at }) => at.name);
}
