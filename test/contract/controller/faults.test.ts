// SPDX-License-Identifier: Apache-2.0
import { configMaps, KubeError } from '@berth/kube';
import { expect } from 'chai';
import { restartApiServer } from '../support/cluster.ts';
import { DoubleWatch } from '../support/double-watch.ts';
import type { ApiCall, ObservedApi } from '../support/observed-api.ts';
import { conditionOf, ipsOf, type Rig, useRig } from '../support/rig.ts';
import { until } from '../support/until.ts';

const RANGE = { lan: { addresses: ['203.0.113.40-203.0.113.79'] } };

const isStatusPatch = ({ verb, kind }: ApiCall) => verb === 'patch' && kind === 'Service';
const isLedgerWrite = ({ verb, at }: ApiCall) =>
  (verb === 'patch' || verb === 'create') && (at.name?.startsWith('ledger') ?? false);

describe('faults of the API', () => {
  const use = useRig();
  let watch: DoubleWatch;

  beforeEach(async () => {
    watch = await new DoubleWatch(use.rig.client, [use.rig.shop]).start();
  });

  afterEach(async () => {
    await watch.stop();
    expect(watch.doubles).to.deep.equal([]);
    expect(watch.changes).to.deep.equal([]);
  });

  describe('LC-19', () => {
    it('LC-19: a conflict is tried again at once with the fresh object', async () => {
      const { rig } = use;
      const { observed } = await rig.start();
      await rig.pools(RANGE);
      let conflicts = 0;
      observed.before = async (call) => {
        if (!isStatusPatch(call) || conflicts === 3) return;
        conflicts += 1;
        await rig.edit('web', { metadata: { labels: { edit: String(conflicts) } } });
      };
      const startedAt = performance.now();
      await rig.service('web');
      await rig.has('web', '203.0.113.40');
      expect(conflicts).to.equal(3);
      expect(performance.now() - startedAt).to.be.lessThan(3_000);
      await rig.hasEvents('web', ['IPAllocated']);
    });

    it('LC-19: a Service that is gone meanwhile is dropped, and its address is free', async () => {
      const { rig } = use;
      const { observed } = await rig.start();
      await rig.pools(RANGE);
      observed.before = async (call) => {
        if (!isStatusPatch(call)) return;
        observed.before = () => {};
        await rig.delete('web');
      };
      await rig.service('web');
      await rig.isGone('web');
      await rig.ledgerHolds({});
      await until(() => expect(observed.writes('Service')).to.have.length(1));
      await rig.service('next');
      await rig.has('next', '203.0.113.40');
    });

    it('LC-19: another error is reported by an Event and tried again after 1 s', async () => {
      const { rig } = use;
      const { observed } = await rig.start();
      await rig.pools(RANGE);
      await rig.service('first');
      await rig.has('first', '203.0.113.40');
      const tries: number[] = [];
      observed.before = (call) => {
        if (!isStatusPatch(call)) return;
        tries.push(performance.now());
        if (tries.length === 1)
          throw new KubeError('server', 'PATCH: 500 etcdserver: request timed out', { status: 500 });
      };
      await rig.service('web');
      await rig.hasEvents('web', ['UpdateFailed']);
      await rig.has('web', '203.0.113.41');
      expect((tries[1] ?? 0) - (tries[0] ?? 0)).to.be.within(900, 3_000);
    });
  });

  it('HO-01: a storm of conflicts on the ledger delays the batch and loses nothing', async () => {
    const { rig } = use;
    const { observed, controller } = await rig.start();
    await rig.pools(RANGE);
    await rig.service('first');
    await rig.has('first', '203.0.113.40');
    let storms = 0;
    observed.before = async (call) => {
      if (!isLedgerWrite(call) || storms === 10) return;
      storms += 1;
      const body = { metadata: { annotations: { storm: String(storms) } } };
      await rig.client.patch(configMaps, { namespace: rig.system, name: 'ledger' }, { type: 'merge', body });
    };
    await Promise.all(['a', 'b', 'c'].map((name) => rig.service(name)));
    await until(async () => {
      for (const name of ['a', 'b', 'c']) expect(ipsOf(await rig.get(name)), name).to.have.length(1);
    });
    expect(storms).to.equal(10);
    expect(await controller.metrics.text()).to.match(/\{result="lost"\} 10/);
  });

  it('429 on status patches slows the writer down and loses nothing', async () => {
    const { rig } = use;
    const { observed } = await rig.start();
    await rig.pools(RANGE);
    let refusals = 0;
    observed.before = (call) => {
      if (!isStatusPatch(call) || refusals === 20) return;
      refusals += 1;
      throw new KubeError('too-many-requests', 'PATCH: 429', { status: 429, retryAfterMs: 200 });
    };
    const names = Array.from({ length: 15 }, (_, n) => `s-${n}`);
    await Promise.all(names.map((name) => rig.service(name)));
    await until(async () => {
      for (const name of names) expect(ipsOf(await rig.get(name)), name).to.have.length(1);
    }, 20_000);
    expect(refusals).to.equal(20);
  }).timeout(40_000);

  it('an answer that is lost after the ledger write took effect costs no address', async () => {
    const { rig } = use;
    const { observed } = await rig.start();
    await rig.pools(RANGE);
    await rig.service('first');
    await rig.has('first', '203.0.113.40');
    observed.after = (call) => {
      if (!isLedgerWrite(call)) return;
      observed.after = () => {};
      throw new KubeError('network', 'PATCH: connection reset');
    };
    await rig.service('web');
    await rig.has('web', '203.0.113.41');
    await rig.ledgerHolds({ '203.0.113.40': 'first', '203.0.113.41': 'web' });
  });

  it('API server crashes in the middle of a burst: everybody gets one address', async () => {
    const { rig } = use;
    const { observed } = await rig.start();
    await rig.pools(RANGE);
    const names = Array.from({ length: 40 }, (_, n) => `s-${n}`);
    await Promise.all(names.map((name) => rig.service(name)));
    await until(() => expect(observed.writes('Service').length).to.be.greaterThan(5));
    await restartApiServer(rig.cluster, 'crash');
    const shown = await until(async () => {
      const all = await Promise.all(names.map(async (name) => ipsOf(await rig.get(name)).join()));
      expect(all).to.not.include('');
      return all;
    }, 40_000);
    expect(new Set(shown).size).to.equal(40);
    expect((await rig.ledger()).size).to.equal(40);
  }).timeout(90_000);

  describe('a crash at each write', () => {
    for (const when of ['before', 'after'] as const) {
      for (let write = 1; write <= 9; write += 1) {
        it(`HO-02: crash ${when} write ${write} of a story: the next controller brings it to the same end`, async () => {
          const { rig } = use;
          await rig.pools({ lan: { addresses: ['203.0.113.40-203.0.113.42'] } });
          const first = await rig.start({ leaseName: 'first' }, ({ observed }) => crashAt(observed, when, write));
          await tell(rig, first.observed);
          first.observed.freeze();
          await rig.start({ leaseName: 'second' });
          await hasEnded(rig);
        }).timeout(60_000);
      }
    }
  });
});

/**
 * From its n-th write to ledger or Services on the controller is as dead: that write is sent or not, nothing after it.
 */
function crashAt(observed: ObservedApi, when: 'before' | 'after', write: number): void {
  let writes = 0;
  const isWrite = (call: ApiCall) => isLedgerWrite(call) || isStatusPatch(call);
  const die = () => {
    observed.freeze();
    return new Promise<void>(() => {});
  };
  if (when === 'before') {
    observed.before = (call) => {
      if (isWrite(call)) writes += 1;
      return writes === write && isWrite(call) ? die() : undefined;
    };
  } else {
    observed.after = (call) => {
      if (isWrite(call)) writes += 1;
      return writes === write && isWrite(call) ? die() : undefined;
    };
  }
}

/**
 * Three Services get addresses, one leaves, one changes its type, a fourth waits. Each step waits while the controller
 * lives.
 */
async function tell(rig: Rig, observed: ObservedApi): Promise<void> {
  const isIdle = async (before: number) => {
    // Either the controller has done what there was to do, or it is dead: nothing more will come.
    let last = -1;
    await until(async () => {
      const now = observed.calls.length;
      const isQuiet = now === last && now >= before;
      last = now;
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(isQuiet).to.equal(true);
    });
  };
  for (const name of ['keeps', 'leaves', 'turns']) await rig.service(name);
  await isIdle(observed.calls.length);
  await rig.service('waits');
  await rig.delete('leaves');
  await rig.edit('turns', { spec: { type: 'ClusterIP', allocateLoadBalancerNodePorts: null } });
  await isIdle(observed.calls.length);
}

async function hasEnded(rig: Rig): Promise<void> {
  await rig.isGone('leaves');
  const [keeps, waits] = await until(async () => {
    const both = [ipsOf(await rig.get('keeps')).join(), ipsOf(await rig.get('waits')).join()] as const;
    expect(both).to.not.include('');
    return both;
  });
  await rig.ledgerHolds({ [keeps]: 'keeps', [waits]: 'waits' });
  const turned = await rig.has('turns');
  expect(turned.metadata.finalizers ?? []).to.deep.equal([]);
  expect(conditionOf(turned)).to.equal(undefined);
}
