// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { CONDITION, conditionOf, FINALIZER, ipsOf, type Rig, useRig } from '../support/rig.ts';
import { until } from '../support/until.ts';

const ONE = { lan: { addresses: ['203.0.113.40/32'] } };
const MARK = 'berth.dev/ip-allocated-from-pool';
const NOT_OURS = { type: 'ClusterIP', allocateLoadBalancerNodePorts: null };

const condition = (type: string, status: 'True' | 'False') => ({
  type,
  status,
  reason: 'Forged',
  message: 'written by a user',
  lastTransitionTime: '2026-01-01T00:00:00Z',
});

/** Ends when the controller has worked through everything that came before: it serves a new Service. */
async function hasCaughtUp(rig: Rig, name: string): Promise<void> {
  await rig.service(name);
  await until(async () => expect(conditionOf(await rig.get(name))).to.not.equal(undefined));
}

describe('our own marks, written by a user', () => {
  const use = useRig();

  beforeEach(async () => {
    await use.rig.pools(ONE);
    await use.rig.start();
  });

  it('SE-03: a forged pool name and forged conditions neither keep nor free an address', async () => {
    const { rig } = use;
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.edit('web', { metadata: { annotations: { [MARK]: 'nowhere' } } });
    await rig.editStatus('web', {
      conditions: [condition(CONDITION, 'False'), condition('berth.dev/Announced', 'True')],
    });
    await rig.hasReason('web', 'Assigned', 'True');
    await rig.has('web', '203.0.113.40');
    await rig.ledgerHolds({ '203.0.113.40': 'web' });

    await rig.edit('web', { metadata: { annotations: { [MARK]: null }, finalizers: [] }, spec: NOT_OURS });
    await rig.service('waits');
    await rig.has('waits', '203.0.113.40');
    await rig.ledgerHolds({ '203.0.113.40': 'waits' });
  });

  it('SE-03: marks that say it has an address give a waiting Service none', async () => {
    const { rig } = use;
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.service('waits', { annotations: { [MARK]: 'lan' } });
    await rig.hasReason('waits', 'OutOfAddresses', 'False');
    await rig.editStatus('waits', { conditions: [condition(CONDITION, 'True')] });
    await rig.hasReason('waits', 'OutOfAddresses', 'False');
    expect(ipsOf(await rig.get('waits'))).to.deep.equal([]);
    await rig.ledgerHolds({ '203.0.113.40': 'web' });
  });

  it('SE-03, LC-08: a copied pool name does not make a Service ours: status and finalizer of others stay', async () => {
    const { rig } = use;
    const annotations = { [MARK]: 'lan' };
    await rig.service('cluster', { annotations, spec: NOT_OURS });
    await rig.service('foreign', { annotations, spec: { loadBalancerClass: 'acme.example/lb' } });
    await rig.edit('foreign', { metadata: { finalizers: [FINALIZER] } });
    await rig.editStatus('foreign', { loadBalancer: { ingress: [{ ip: '203.0.113.40', ipMode: 'VIP' }] } });
    await hasCaughtUp(rig, 'ours');
    const foreign = await rig.has('foreign', '203.0.113.40');
    expect(foreign.metadata.finalizers).to.deep.equal([FINALIZER]);
    const names = rig.running[0]?.observed.writes('Service').map(({ at }) => at.name);
    expect(new Set(names)).to.deep.equal(new Set(['ours']));
  });
});
