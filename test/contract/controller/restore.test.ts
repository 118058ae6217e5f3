// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { DoubleWatch } from '../support/double-watch.ts';
import { conditionOf, ipsOf, type Rig, useRig } from '../support/rig.ts';
import { until } from '../support/until.ts';

const RANGE = { lan: { addresses: ['203.0.113.40-203.0.113.79'] } };

/** A leader that is there again so long after the API server, in milliseconds, at the latest. */
const LEADER_MS = 30_000;

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

async function serve(rig: Rig, wanted: readonly string[]): Promise<ReadonlyMap<string, string>> {
  await Promise.all(wanted.map((name) => rig.service(name)));
  return addressesOf(rig, wanted);
}

function addressesOf(rig: Rig, wanted: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return until(async () => {
    const all = await Promise.all(wanted.map(async (name) => [name, ipsOf(await rig.get(name)).join()] as const));
    for (const [name, ip] of all) expect(ip, name).to.not.equal('');
    return new Map(all);
  }, 40_000);
}

describe('a restore of etcd', () => {
  const use = useRig();

  it('OL-05, OL-06: nothing is restarted by hand: one leader within 30 s, every live address stays, new Services are served', async () => {
    const { rig } = use;
    const replicas = [await rig.start({ leaseSeconds: 15 }), await rig.start({ leaseSeconds: 15 })];
    await rig.pools(RANGE);
    const before = await serve(rig, names('before', 5));
    const backup = await rig.cluster.lab.backUpEtcd();
    await rig.delete('before-0');
    await rig.isGone('before-0');
    await serve(rig, names('lost', 20));
    await rig.cluster.lab.restoreEtcd(backup);
    const restoredAt = performance.now();
    await until(() => expect(replicas.filter(({ controller }) => controller.isLeader)).to.have.length(1), LEADER_MS);
    const watch = await new DoubleWatch(rig.client, [rig.shop]).start();
    const after = await serve(rig, names('after', 5));
    expect(performance.now() - restoredAt).to.be.lessThan(LEADER_MS + 10_000);
    expect(await addressesOf(rig, [...before.keys()])).to.deep.equal(before);
    expect(new Set([...before.values(), ...after.values()]).size).to.equal(10);
    await rig.ledgerHolds(Object.fromEntries([...before, ...after].map(([name, ip]) => [ip, name])));
    await rig.delete('before-1');
    await rig.isGone('before-1');
    await watch.stop();
    expect(watch.doubles).to.deep.equal([]);
    expect(watch.changes).to.deep.equal([]);
  }).timeout(180_000);

  it('OL-06: a change that comes after the restore is seen, also where its version was given before', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools(RANGE);
    await serve(rig, ['web']);
    const backup = await rig.cluster.lab.backUpEtcd();
    for (const n of [1, 2, 3, 4]) await rig.edit('web', { metadata: { labels: { edit: String(n) } } });
    await rig.cluster.lab.restoreEtcd(backup);
    await rig.edit('web', { metadata: { annotations: { 'berth.dev/loadBalancerIPs': '203.0.113.70' } } });
    await until(async () => expect(ipsOf(await rig.get('web'))).to.deep.equal(['203.0.113.70']), LEADER_MS);
    expect(conditionOf(await rig.get('web'))?.reason).to.equal('Assigned');
  }).timeout(120_000);
});
