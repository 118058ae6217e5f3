// SPDX-License-Identifier: Apache-2.0

// The story that the demo tells. Each step looks at the real thing and throws when it is not as it should be.

import { startConnectProbe } from '../../support/connect-probe.ts';
import {
  applyObjects,
  curlFromClient,
  deployWeb,
  poolsConfigMap,
  waitForAnswer,
  waitForExternalIp,
  waitForOwner,
  webService,
  whoAnswers,
} from '../../support/workload.ts';
import { isNode } from '../address-plan.ts';
import { installBerth } from '../berth.ts';
import { Lab } from '../lab.ts';
import { waitUntil } from '../wait.ts';
import type { Stage } from './stage.ts';

interface Scene {
  stage: Stage;
  lab: Lab;
  /** The External-IP. */
  vip: string;
}

/** Plays the demo on a lab of that name, which it brings up and leaves up. */
export async function runDemo(stage: Stage, name: string): Promise<void> {
  const lab = await stage.step('bring up a three-node Kubernetes cluster', () => Lab.up({ name, nodes: 3 }));
  stage.show(await lab.kubectl(['get', 'nodes']));
  await stage.step('install Berth: kubectl apply -k manifests/', () => installBerth(lab));
  stage.show(await lab.kubectl(['get', 'pods', '-n', 'berth-system']));
  const vip = await giveAddress(stage, lab);
  const scene = { stage, lab, vip };
  await curlFromLan(scene);
  const owner = await showOwner(scene);
  await showAlternatives(scene);
  await failOver(scene, owner);
}

async function giveAddress(stage: Stage, lab: Lab): Promise<string> {
  const [range = ''] = lab.plan.pools;
  await stage.step(`apply one ConfigMap with the pool ${range}`, () => applyObjects(lab, poolsConfigMap([range])));
  await stage.step('deploy three web pods', () => deployWeb(lab, 3));
  const vip = await stage.step('create a Service of type LoadBalancer and wait for its External-IP', async () => {
    await applyObjects(lab, webService('web'));
    return waitForExternalIp(lab, 'web');
  });
  stage.show(await lab.kubectl(['get', 'service', 'web']));
  return vip;
}

async function curlFromLan({ stage, lab, vip }: Scene): Promise<void> {
  const url = `http://${vip}/hostname`;
  const first = await stage.step(`curl ${url} from a client on the LAN`, () => waitForAnswer(lab, url));
  const answers = [first];
  for (let more = 0; more < 5; more += 1) answers.push((await curlFromClient(lab, url)) ?? 'no answer');
  if (answers.includes('no answer'))
    throw new Error(`curl ${url}: not every request was answered: ${answers.join(', ')}`);
  stage.show(answers.join('\n'));
}

async function showOwner({ stage, lab, vip }: Scene): Promise<string> {
  const owner = await stage.step(`ask the LAN who has ${vip}`, () => waitForOwner(lab, vip));
  stage.show(`${vip} is at ${owner.mac}, which is ${owner.host}; no other host answers`);
  return owner.host;
}

async function showAlternatives({ stage, lab }: Scene): Promise<void> {
  const [nodePort = '', clusterIp = ''] = (
    await lab.kubectl(['get', 'service', 'web', '-o', 'jsonpath={.spec.ports[0].nodePort} {.spec.clusterIP}'])
  ).split(' ');
  const lines = await stage.step('the classic alternatives: NodePort on every node, ClusterIP inside', async () => {
    const nodes = lab.plan.hosts.filter(isNode);
    const seen: string[] = [];
    for (const { name, addresses } of nodes) {
      const url = `http://${addresses[0]}:${nodePort}/hostname`;
      seen.push(`${name}  ${url}  ${await waitForAnswer(lab, url)}`);
    }
    const inside = `http://${clusterIp}/hostname`;
    const answer = await lab.kubectl(['exec', 'deployment/web', '--', 'curl', '-sS', '-m', '2', inside]);
    return [...seen, `pod     ${inside}  ${answer}`];
  });
  stage.show(lines.join('\n'));
}

async function failOver({ stage, lab, vip }: Scene, owner: string): Promise<void> {
  const namespace = lab.namespaceOf('client');
  const probe = await startConnectProbe({ namespace, address: vip, port: 80, intervalMs: 20, timeoutMs: 500 });
  const successor = await stage.step(`pull the cable of ${owner}; a client connects 50 times a second`, async () => {
    await lab.cable(owner, 'down');
    return waitForOwnerOtherThan({ stage, lab, vip }, owner);
  });
  const answer = await stage.step('curl goes on', () => waitForAnswer(lab, `http://${vip}/hostname`));
  const outage = await probe.stop();
  stage.show(`${successor} answers now: ${answer}`);
  stage.show(`longest time without a successful connect: ${(outage.longestGapMs / 1000).toFixed(2)} s`);
  await stage.step(`plug the cable of ${owner} in again; still one answers`, async () => {
    await lab.cable(owner, 'up');
    await lab.kubectl(['wait', '--for=condition=Ready', `node/${owner}`, '--timeout=60s']);
    await waitForOwner(lab, vip);
    await waitForAnswer(lab, `http://${vip}/hostname`);
  });
}

async function waitForOwnerOtherThan({ lab, vip }: Scene, former: string): Promise<string> {
  let successor: string | undefined;
  await waitUntil({
    what: `another node than ${former} to answer for ${vip}`,
    timeoutMs: 60_000,
    probe: async () => {
      successor = (await whoAnswers(lab, vip)).find(({ host }) => host !== undefined && host !== former)?.host;
      return successor !== undefined;
    },
  });
  return successor ?? '';
}
