// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { conditionOf, ipsOf, useRig } from '../support/rig.ts';
import type { Running } from '../support/running.ts';
import { remains, until } from '../support/until.ts';

const EDGE = { edge: { addresses: ['198.51.100.0-198.51.100.3'] } };

/** How long nothing must happen; longer than changes of reports and news for the history are gathered. */
const QUIET_MS = 6_000;

/** Writes but for the renewals of the Lease. */
const writesOf = ({ observed }: Running) => observed.writes().filter(({ kind }) => kind !== 'Lease');

/** Waits until the controller has written nothing for a while, and returns how much it wrote until then. */
async function settled(running: Running): Promise<number> {
  return until(async () => {
    const count = writesOf(running).length;
    await remains(() => expect(writesOf(running)).to.have.length(count), QUIET_MS);
    return count;
  }, 30_000);
}

describe('a controller with nothing to do', () => {
  const use = useRig();

  it('AL-02: the same Service looked at again: same address, no API write of any kind', async () => {
    const { rig } = use;
    await rig.pools(EDGE);
    const running = await rig.start();
    await rig.service('web');
    await rig.has('web', '198.51.100.0');
    const before = await settled(running);
    await rig.edit('web', { metadata: { annotations: { note: 'touched' }, labels: { note: 'touched' } } });
    await remains(() => expect(writesOf(running)).to.have.length(before), QUIET_MS);
    await rig.has('web', '198.51.100.0');
  }).timeout(60_000);

  it('RC-02: a refused configuration starts no storm: told once, then nothing is written', async () => {
    const { rig } = use;
    await rig.pools(EDGE);
    const running = await rig.start();
    await rig.service('web');
    await rig.has('web', '198.51.100.0');
    await rig.pools({ edge: { addresses: ['198.51.300.0/24'] } });
    await until(async () => expect((await rig.configMap('pool-status')).data?.config).to.equal('Invalid'));
    const before = await settled(running);
    await remains(() => expect(writesOf(running)).to.have.length(before), 3_000);
    const told = (await rig.eventsOf('ip-address-pools', rig.system)).filter(
      ({ reason }) => reason === 'ConfigurationRefused',
    );
    expect(told.map(({ count }) => count)).to.deep.equal([1]);
    expect(running.log.filter((line) => line.includes('configuration refused'))).to.have.length(1);
    expect(conditionOf(await rig.has('web', '198.51.100.0'))?.reason).to.equal('Assigned');
  }).timeout(60_000);

  it('PE-08: the report names both pools that overlap; holders and new Services go on as before', async () => {
    const { rig } = use;
    await rig.pools(EDGE);
    await rig.start();
    await rig.service('web');
    await rig.has('web', '198.51.100.0');
    await rig.pools({ ...EDGE, shore: { addresses: ['198.51.100.3-198.51.100.9'] } });
    await until(async () => {
      const { config, problems } = (await rig.configMap('pool-status')).data ?? {};
      expect(config).to.equal('Invalid');
      expect(problems).to.include('edge').and.include('shore');
    });
    for (const name of ['b', 'c', 'd']) await rig.service(name);
    for (const name of ['b', 'c', 'd']) {
      await until(async () => expect(ipsOf(await rig.get(name)), name).to.have.length(1));
    }
    await rig.service('fifth');
    expect(ipsOf(await rig.hasReason('fifth', 'OutOfAddresses', 'False'))).to.deep.equal([]);
    await rig.has('web', '198.51.100.0');
  }).timeout(60_000);

  it('PE-03: .0 that avoidBuggyIPs left with its holder is not given again once it is released', async () => {
    const { rig } = use;
    await rig.pools(EDGE);
    await rig.start();
    await rig.service('web');
    await rig.has('web', '198.51.100.0');
    await rig.pools({ edge: { ...EDGE.edge, avoidBuggyIPs: true } });
    await rig.hasReason('web', 'OutsidePools', 'True');
    await rig.delete('web');
    await rig.isGone('web');
    await rig.service('web');
    await rig.has('web', '198.51.100.1');
  });
});
