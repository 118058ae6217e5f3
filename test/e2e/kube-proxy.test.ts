// SPDX-License-Identifier: Apache-2.0

// Berth where kube-proxy is in iptables mode; all other end-to-end tests have it in nftables mode. In a lab of its own.

import { expect } from 'chai';
import { hostNamed } from '../lab/address-plan.ts';
import { installBerth } from '../lab/berth.ts';
import { inUrl } from '../lab/in-url.ts';
import { Lab } from '../lab/lab.ts';
import { berthText } from '../support/berth-command.ts';
import { startKeepAlive } from '../support/keep-alive.ts';
import { addressesOf, annotated, SERVE_ANNOTATION, servedByAll, webPods } from '../support/serving.ts';
import {
  applyObjects,
  deployWeb,
  poolsConfigMap,
  waitForAnswer,
  waitForExternalIp,
  waitForOwner,
  webService,
} from '../support/workload.ts';
import { besideCluster, clusterTimeoutMs } from './cluster.ts';

const LAB = besideCluster('iptables');
/** Over two nodes: that one of them gets less than a quarter is four standard deviations away. */
const CONNECTIONS = 64;
const DUAL = { ipFamilyPolicy: 'RequireDualStack' };

describe('kube-proxy in iptables mode', function () {
  this.timeout(clusterTimeoutMs);
  let lab: Lab;

  before(async () => {
    lab = await Lab.up({ name: LAB, nodes: 2, family: 'dual', kubeProxy: 'iptables' });
    await installBerth(lab);
    await applyObjects(lab, poolsConfigMap(lab.plan.pools));
    await deployWeb(lab, 2);
  });

  after(() => Lab.down(LAB));

  it('DP-05: a VIP of either family is served by rules of iptables, and by the next node after a planned move', async () => {
    await applyObjects(lab, webService('cluster', DUAL));
    const vip = await waitForExternalIp(lab, 'cluster');
    const urls = (await addressesOf(lab, 'cluster')).map((one) => `http://${inUrl(one)}`);
    expect(urls).to.have.length(2);
    for (const url of urls) await waitForAnswer(lab, `${url}/hostname`);
    for (const node of lab.nodes) {
      await berthText(lab, 'move', vip, node);
      expect((await waitForOwner(lab, vip)).host).to.equal(node);
      await waitForAnswer(lab, `${urls[0]}/hostname`);
      expect(await lab.exec(node, ['iptables-save', '-t', 'nat'])).to.match(new RegExp(`-d ${vip}/32 .*KUBE-EXT-`));
      expect(await lab.exec(node, ['nft', 'list', 'tables'])).to.not.include('kube-proxy');
    }
  });

  it('DP-06: with externalTrafficPolicy Local the pod sees the client, and every node serves its share', async () => {
    const local = webService('local', { externalTrafficPolicy: 'Local' });
    await applyObjects(lab, annotated(local, { [SERVE_ANNOTATION]: 'every-node' }));
    const vip = await waitForExternalIp(lab, 'local');
    await servedByAll(lab, 'local', lab.nodes);
    const [client] = hostNamed(lab.plan, 'client').addresses;
    expect((await waitForAnswer(lab, `http://${vip}/clientip`)).replace(/:\d+$/, '')).to.equal(client);
    const addresses = Array.from({ length: CONNECTIONS }, () => vip);
    const namespace = lab.namespaceOf('client');
    const kept = await (await startKeepAlive({ namespace, addresses, port: 80, everyMs: 200 })).stop();
    expect(kept.filter(({ broken }) => broken)).to.deep.equal([]);
    const pods = await webPods(lab);
    const shares = lab.nodes.map((node) => kept.filter(({ server }) => pods.get(server) === node).length);
    expect(Math.min(...shares), String(shares)).to.be.above(CONNECTIONS / 4);
  });
});
