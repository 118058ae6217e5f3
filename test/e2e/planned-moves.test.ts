// SPDX-License-Identifier: Apache-2.0

// VIPs that their owner serves alone move on purpose, with many connections open: none of them breaks.

import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import type { VipRow } from '@berth/core';
import { expect } from 'chai';
import { hostNamed } from '../lab/address-plan.ts';
import { inUrl } from '../lab/in-url.ts';
import type { Lab } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { BERTH_PROGRAM, berthEnvironment, berthText } from '../support/berth-command.ts';
import { startKeepAlive } from '../support/keep-alive.ts';
import { addressesOf, servedBy } from '../support/serving.ts';
import { allNodesReady, silencesOf, upgradeSpeakers } from '../support/speakers.ts';
import {
  applyObjects,
  BERTH_NAMESPACE,
  waitForAnswer,
  waitForExternalIp,
  waitForOwner,
  webService,
} from '../support/workload.ts';
import { cluster, clusterTimeoutMs, deleteServices } from './cluster.ts';

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
const POOLS_MAP = 'ip-address-pools';
const SERVICES = ['moves-cluster', 'moves-cluster-2', 'moves-local'];
/** Each has an IPv4 and an IPv6 address, and connections to both. */
const DUAL = { ipFamilyPolicy: 'RequireDualStack' };

describe('planned moves', function () {
  this.timeout(ATTEMPTS * clusterTimeoutMs);
  let lab: Lab;
  let vips: readonly string[] = [];

  before(async () => {
    lab = await cluster();
    await applyObjects(
      lab,
      webService('moves-cluster', DUAL),
      webService('moves-cluster-2', DUAL),
      webService('moves-local', { ...DUAL, externalTrafficPolicy: 'Local' }),
    );
    for (const name of SERVICES) await waitForExternalIp(lab, name);
    vips = (await Promise.all(SERVICES.map((name) => addressesOf(lab, name)))).flat();
    expect(vips.filter((vip) => vip.includes(':'))).to.have.length(SERVICES.length);
    for (const vip of vips) await waitForAnswer(lab, `http://${inUrl(vip)}/hostname`);
  });

  after(async () => {
    await deleteServices(lab, ...SERVICES);
  });

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

  it('MV-11, MV-25: kubectl berth move to each node in turn breaks none of 300 connections', async () => {
    await keepsAll(async () => {
      for (const node of NODES)
        for (const vip of vips) {
          const said = await berthText(lab, 'move', vip, node);
          await clientGoesTo(node, vip, said);
        }
      expect(await saidOfServing(), 'MV-25').to.deep.equal([]);
    });
  });

  /** Waits until the client sends to a node what is for a VIP: it has learnt of the move. */
  async function clientGoesTo(node: string, vip: string, said: string): Promise<void> {
    const { interfaces } = hostNamed(lab.plan, node);
    const entry = () => lab.exec('client', ['ip', 'neigh', 'show', 'to', vip]);
    await waitUntil({
      what: `the client to send to ${node} what is for ${vip}`,
      timeoutMs: 30_000,
      probe: async () => {
        const text = await entry();
        return interfaces.some(({ mac }) => text.includes(mac));
      },
      explain: async () => `${said}; ${await entry()}`,
    });
    if (!vip.includes(':')) expect((await waitForOwner(lab, vip)).host, said).to.equal(node);
  }

  /** What is said of who serves, of Services that do not ask for every node. */
  async function saidOfServing(): Promise<readonly string[]> {
    const conditions = await Promise.all(SERVICES.map((name) => servedBy(lab, name)));
    const events = await lab.kubectl(['get', 'events', '--field-selector', 'reason=ServedByEveryNode', '-o', 'name']);
    const about = SERVICES.filter((name) => events.includes(`event/${name}.`));
    return [...conditions.map((said) => said.trim()).filter((said) => said !== ''), ...about];
  }

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
      // Some may have moved by themselves meanwhile.
      expect(moved, moved).to.match(/^NODE +VIPS BEFORE +AFTER\nnode-1 +\d +2\nnode-2 +\d +2\nnode-3 +\d +2\n$/);
    });
  });

  it('MV-14: a rolling upgrade of the speakers breaks none of 300 connections', async () => {
    await keepsAll(() => upgradeSpeakers(lab));
  });

  it('MV-34: a node that returns gets its share by itself, and a preferred one all, and none of 300 connections breaks', async () => {
    const [node = ''] = NODES;
    await keepsAll(async () => {
      await berthText(lab, 'drain', node);
      expect(await ownedBy(node)).to.deep.equal([]);
      await berthText(lab, 'undrain', node);
      await ownsBySelf(node, vips.length / NODES.length);
      await prefer(node);
      await ownsBySelf(node, vips.length);
    });
    await lab.kubectl([
      '-n',
      BERTH_NAMESPACE,
      'patch',
      'configmap',
      POOLS_MAP,
      '-p',
      '{"data":{"preferred.yaml":null}}',
    ]);
  });

  function prefer(node: string): Promise<string> {
    const preference = { matchLabels: { 'kubernetes.io/hostname': node } };
    const advertisement = {
      ...{ apiVersion: 'berth.dev/v1', kind: 'L2Advertisement', metadata: { name: 'preferred' } },
      spec: { preferredNodeSelectors: [{ weight: 50, preference }] },
    };
    const patch = JSON.stringify({ data: { 'preferred.yaml': JSON.stringify(advertisement) } });
    return lab.kubectl(['-n', BERTH_NAMESPACE, 'patch', 'configmap', POOLS_MAP, '-p', patch]);
  }

  async function ownedBy(node: string): Promise<readonly string[]> {
    const rows = JSON.parse(await berthText(lab, 'vips', '-o', 'json')) as readonly VipRow[];
    const owns = ({ vip, claims }: VipRow) => vips.includes(vip) && claims.some((claim) => claim.node === node);
    return rows.filter(owns).map(({ vip }) => vip);
  }

  async function ownsBySelf(node: string, count: number): Promise<void> {
    await waitUntil({
      what: `${node} to own ${count} VIPs`,
      timeoutMs: 90_000,
      probe: async () => (await ownedBy(node)).length === count,
      explain: () => berthText(lab, 'vips'),
    });
  }

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
      probe: async () => !(await berthText(lab, 'status', '-o', 'wide')).includes('packets on to the nodes'),
    });
  });
});
