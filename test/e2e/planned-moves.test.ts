// SPDX-License-Identifier: Apache-2.0

// VIPs that their owner serves alone move on purpose, with many connections open: none of them breaks.

import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import type { Lab } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { startKeepAlive } from '../support/keep-alive.ts';
import {
  applyObjects,
  BERTH_NAMESPACE,
  waitForAnswer,
  waitForExternalIp,
  waitForOwner,
  webService,
} from '../support/workload.ts';
import { BERTH_PROGRAM, berthEnvironment, berthText } from './berth-command.ts';
import { allNodesReady, cluster, clusterTimeoutMs, deleteServices } from './cluster.ts';

const CONNECTIONS = 300;
/** Each connection sends so often, in milliseconds. */
const EVERY_MS = 1_000;
/** How long connections go on after the last change: until each has sent several times. */
const GO_ON_MS = 5_000;
/** Without connections the program goes within this time, in milliseconds. */
const UNLOADED_WITHIN_MS = 60_000;
const NODES = ['node-1', 'node-2', 'node-3'];
/** How often something is played at most while speakers fall silent in it. */
const ATTEMPTS = 5;
const SERVICES = ['moves-cluster', 'moves-cluster-2', 'moves-local'];

describe('planned moves', function () {
  this.timeout(ATTEMPTS * clusterTimeoutMs);
  let lab: Lab;
  let vips: readonly string[] = [];

  before(async () => {
    lab = await cluster();
    await setOption('PLANNED_MOVES=keep-connections');
    await applyObjects(
      lab,
      webService('moves-cluster'),
      webService('moves-cluster-2'),
      webService('moves-local', { externalTrafficPolicy: 'Local' }),
    );
    vips = await Promise.all(SERVICES.map((name) => waitForExternalIp(lab, name)));
    for (const vip of vips) await waitForAnswer(lab, `http://${vip}/hostname`);
  });

  after(async () => {
    await deleteServices(lab, ...SERVICES);
    await setOption('PLANNED_MOVES-');
  });

  /** As `kubectl set env` takes it; waits until all speakers run with it. */
  async function setOption(option: string): Promise<void> {
    await lab.kubectl(['-n', BERTH_NAMESPACE, 'set', 'env', 'daemonset/speaker', option]);
    await lab.kubectl(['-n', BERTH_NAMESPACE, 'rollout', 'status', 'daemonset/speaker', '--timeout=240s']);
  }

  /**
   * None of the connections to all VIPs may break while something happens. A machine that starves its speakers says
   * nothing about planned moves: what one fell silent in is played again.
   */
  async function keepsAll(what: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await allNodesReady(lab);
      const before = await silencesOf(lab);
      try {
        expect(await brokenDuring(what)).to.deep.equal([]);
        return;
      } catch (error) {
        if (attempt === ATTEMPTS || (await silencesOf(lab)) === before) throw error;
      }
    }
  }

  async function brokenDuring(what: () => Promise<void>): Promise<readonly string[]> {
    const addresses = Array.from({ length: CONNECTIONS }, (_, index) => vips[index % vips.length] ?? '');
    const kept = await startKeepAlive({
      namespace: lab.namespaceOf('client'),
      ...{ addresses, port: 80, everyMs: EVERY_MS },
    });
    try {
      await what();
      await wait(GO_ON_MS);
    } catch (error) {
      await kept.stop();
      throw error;
    }
    const rows = await kept.stop();
    return rows.flatMap(({ address, broken }) => (broken === undefined ? [] : [`${address} ${broken}`]));
  }

  it('MV-11: kubectl berth move to each node in turn breaks none of 300 connections', async () => {
    await keepsAll(async () => {
      for (const node of NODES)
        for (const vip of vips) {
          const said = await berthText(lab, 'move', vip, node);
          expect((await waitForOwner(lab, vip)).host, said).to.equal(node);
        }
    });
  });

  it('MV-12: a drain of each node in turn, with what it owned and keeps, breaks none of 300 connections', async () => {
    await keepsAll(async () => {
      for (const node of NODES) {
        const out = await berthText(lab, 'drain', node);
        expect(out).to.include(`${node} is drained`);
        await wait(1_000);
        expect(await berthText(lab, 'undrain', node)).to.include(`${node} may own VIPs`);
      }
    });
  });

  it('MV-13: kubectl berth rebalance breaks none of 300 connections', async () => {
    await keepsAll(async () => {
      for (const vip of vips) await berthText(lab, 'move', vip, NODES[0] ?? '');
      const moved = await berthText(lab, 'rebalance', '--timeout', '60');
      expect(moved, moved).to.match(/^NODE +VIPS BEFORE +AFTER\nnode-1 +3 +1\nnode-2 +0 +1\nnode-3 +0 +1\n$/);
    });
  });

  it('MV-14: a rolling upgrade of the speakers breaks none of 300 connections', async () => {
    await keepsAll(async () => {
      await lab.kubectl(['-n', BERTH_NAMESPACE, 'rollout', 'restart', 'daemonset/speaker']);
      await lab.kubectl(['-n', BERTH_NAMESPACE, 'rollout', 'status', 'daemonset/speaker', '--timeout=240s']);
    });
  });

  it('MV-15: drain --wait ends when the last connection that the node keeps has ended, and then nothing is loaded', async () => {
    const [vip = ''] = vips;
    const { host: owner } = await waitForOwner(lab, vip);
    const kept = await startKeepAlive({
      namespace: lab.namespaceOf('client'),
      ...{ addresses: [vip, vip, vip], port: 80, everyMs: EVERY_MS },
    });
    const child = spawn(process.execPath, [BERTH_PROGRAM, 'drain', owner, '--wait'], { env: berthEnvironment(lab) });
    const said = text(child.stdout);
    const failed = text(child.stderr);
    try {
      await waitUntil({
        what: `${owner} to own nothing, and to keep connections`,
        timeoutMs: 60_000,
        probe: async () => (await waitForOwner(lab, vip)).host !== owner,
      });
      await wait(GO_ON_MS);
      expect(child.exitCode, await Promise.race([failed, wait(0, '')])).to.equal(null);
      expect((await kept.stop()).filter(({ broken }) => broken !== undefined)).to.deep.equal([]);
      await waitUntil({
        what: 'drain --wait to end',
        timeoutMs: 60_000,
        probe: async () => child.exitCode !== null,
      });
      expect(child.exitCode, await failed).to.equal(0);
      expect(await said).to.match(
        new RegExp(`^${owner} is drained: .*\\n(${owner} still keeps .*\\n)+${owner} keeps no connection\\n$`),
      );
    } finally {
      child.kill();
      await berthText(lab, 'undrain', owner);
    }
    await waitUntil({
      what: 'the program to go on all nodes',
      timeoutMs: UNLOADED_WITHIN_MS,
      probe: async () => !(await berthText(lab, 'status')).includes('packets on to the nodes'),
    });
  });
});

/** How often speakers fell silent by themselves, or were missed, by what those that run now have logged. */
async function silencesOf(lab: Lab): Promise<number> {
  const selector = ['-l', 'app.kubernetes.io/component=speaker', '--prefix', '--tail=-1'];
  const logs = await lab.kubectl(['-n', BERTH_NAMESPACE, 'logs', ...selector]);
  return [...logs.matchAll(/"phase":"listening"|"why":"silent"/g)].length;
}
