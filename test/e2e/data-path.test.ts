// SPDX-License-Identifier: Apache-2.0

// What happens to traffic between client and pod: whom the pod sees, which pod is reached, and what survives when pods
// move.

import { type ChildProcess, spawn } from 'node:child_process';
import { expect } from 'chai';
import { hostNamed } from '../lab/address-plan.ts';
import { inUrl } from '../lab/in-url.ts';
import type { Lab } from '../lab/lab.ts';
import { rolledOut } from '../lab/rollout.ts';
import { waitUntil } from '../lab/wait.ts';
import { askedWhile, lostShare } from '../support/requests-lost.ts';
import { addressesOf, webPods } from '../support/serving.ts';
import {
  AGNHOST_IMAGE,
  applyObjects,
  WEB_PORT,
  WEB_RESOURCES,
  waitForAnswer,
  waitForExternalIp,
  waitForOwner,
  whoAnswers,
} from '../support/workload.ts';
import { cluster, clusterTimeoutMs, deleteServices } from './cluster.ts';

/** Addresses of a client that is in none of the nodes' networks. */
const FOREIGN = { IPv4: '192.0.2.9', IPv6: '2001:db8:9::9' } as const;
const UDP_PORT = 8081;
const MOVE_TIMEOUT_MS = 60_000;
/** Answers of random ones of three pods would all be of the owner's node once in 59,000 tries. */
const REQUESTS = 10;
const UPDATES = 5;
const MOST_LOST = 0.05;
/** So many requests to pods that stay are lost at most where updates are judged. */
const MOST_LOST_BY_PODS = 0.01;
/** How often the updates are played at most while pods that stay lose more. */
const ATTEMPTS = 3;
/** How long a pod serves after it was told to end. */
const SERVES_ON_SECONDS = 5;

const NODES = ['node-1', 'node-2', 'node-3'];

describe('the data path', function () {
  this.timeout(clusterTimeoutMs);
  let lab: Lab;

  before(async () => {
    lab = await cluster();
  });

  after(async () => {
    await deleteServices(lab, 'local', 'cluster', 'udp');
    await lab.kubectl(['delete', 'deployment/mover', 'daemonset/roller', '--ignore-not-found', '--wait=false']);
  });

  /** One pod of `mover`, on this node. */
  async function moveTo(node: string): Promise<void> {
    await applyObjects(lab, moverDeployment(1, { 'kubernetes.io/hostname': node }));
    await rolledOut(lab, 'deployment/mover');
  }

  /** The first address of a Service in front of `mover` with externalTrafficPolicy Local. */
  async function localVip(): Promise<string> {
    const dual = { ipFamilyPolicy: 'RequireDualStack', externalTrafficPolicy: 'Local' };
    await applyObjects(lab, service('local', 'mover', dual));
    return waitForExternalIp(lab, 'local');
  }

  it('DP-01: with externalTrafficPolicy Local the pod sees a client from outside the nodes’ networks', async () => {
    await moveTo('node-2');
    await localVip();
    const vips = await addressesOf(lab, 'local');
    expect(vips).to.have.length(2);
    const remove = await addForeignClient(lab);
    try {
      for (const vip of vips) {
        const foreign = vip.includes(':') ? FOREIGN.IPv6 : FOREIGN.IPv4;
        const curl = ['curl', '-sS', '-m', '2', '--interface', foreign, `http://${inUrl(vip)}/clientip`];
        let seen = '';
        await waitUntil({
          what: `an answer to ${foreign}`,
          timeoutMs: MOVE_TIMEOUT_MS,
          probe: async () => {
            seen = (await lab.tryExec('client', curl)).stdout;
            return seen !== '';
          },
        });
        expect(seen.replace(/:\d+$/, '').replaceAll(/[[\]]/g, '')).to.equal(foreign);
      }
    } finally {
      await remove();
    }
  });

  it('DP-02: with Local the VIP follows the endpoint from node to node, and so does the health check', async () => {
    const vip = await localVip();
    const port = await lab.kubectl(['get', 'service', 'local', '-o', 'jsonpath={.spec.healthCheckNodePort}']);
    for (const node of NODES) {
      await moveTo(node);
      await waitUntil({
        what: `${node} alone to answer for ${vip} and its health check`,
        timeoutMs: MOVE_TIMEOUT_MS,
        probe: async () => {
          const hosts = (await whoAnswers(lab, vip)).map(({ host }) => host);
          return String(hosts) === node && String(await healthy(lab, port)) === node;
        },
      });
      await waitForAnswer(lab, `http://${vip}/hostname`);
    }
  });

  it('DP-02: of endpoints on several nodes only the one of the owner is reached', async () => {
    const vip = await localVip();
    await applyObjects(lab, moverDeployment(3));
    await rolledOut(lab, 'deployment/mover');
    // A planned move may be under way: until its commit new connections go to the owner before.
    let seen = '';
    await waitUntil({
      what: `${REQUESTS} requests in a row that only pods of the owner answer`,
      timeoutMs: MOVE_TIMEOUT_MS,
      probe: async () => {
        const pods = await webPods(lab, 'app=mover');
        const { host: owner } = await waitForOwner(lab, vip);
        const names: string[] = [];
        while (names.length < REQUESTS) names.push(await waitForAnswer(lab, `http://${vip}/hostname`));
        const { host: then } = await waitForOwner(lab, vip);
        const nodes = names.map((name) => pods.get(name));
        seen = `${owner} and then ${then} owned it, pods on ${nodes.join(', ')} answered`;
        return pods.size === 3 && owner === then && nodes.every((node) => node === owner);
      },
      explain: async () => seen,
    });
  });

  it('DP-03: five rolling updates of the pods cost at most 5 % of the requests', async () => {
    await applyObjects(lab, rollerDaemonSet());
    await rolledOut(lab, 'daemonset/roller');
    await applyObjects(
      lab,
      service('cluster', 'roller'),
      service('local', 'roller', { externalTrafficPolicy: 'Local' }),
    );
    const asked = {
      Cluster: { address: await waitForExternalIp(lab, 'cluster'), port: 80 },
      Local: { address: await waitForExternalIp(lab, 'local'), port: 80 },
      // At their own addresses, past VIPs and kube-proxy, and never updated.
      pods: { address: await webPodAddresses(), port: WEB_PORT },
    };
    for (const { address } of [asked.Cluster, asked.Local]) await waitForAnswer(lab, `http://${address}/hostname`);
    for (let attempt = 1; ; attempt += 1) {
      const { pods, ...seen } = await askedWhile(lab, asked, updateFiveTimes);
      if (Object.values(seen).every((outage) => lostShare(outage) <= MOST_LOST)) return;
      // A machine whose pods starve says nothing about updates.
      if (attempt === ATTEMPTS || lostShare(pods) <= MOST_LOST_BY_PODS)
        expect.fail(`${attempt} times: ${JSON.stringify({ ...seen, pods })}`);
    }
  }).timeout(ATTEMPTS * clusterTimeoutMs);

  async function webPodAddresses(): Promise<string[]> {
    const path = 'jsonpath={.items[*].status.podIP}';
    const addresses = await lab.kubectl(['get', 'pods', '-l', 'app=web', '-o', path]);
    return addresses.split(' ');
  }

  async function updateFiveTimes(): Promise<void> {
    for (let update = 1; update <= UPDATES; update += 1) {
      await lab.kubectl(['rollout', 'restart', 'daemonset/roller']);
      await rolledOut(lab, 'daemonset/roller');
    }
  }

  it('DP-03: a UDP flow goes on when its backend moves to another node', async () => {
    await moveTo('node-1');
    const ports = [{ name: 'udp', port: 90, targetPort: UDP_PORT, protocol: 'UDP' }];
    await applyObjects(lab, service('udp', 'mover', { ports }));
    const flow = new UdpFlow(lab, await waitForExternalIp(lab, 'udp'), 90);
    try {
      const before = await flow.next(() => true);
      await moveTo('node-3');
      expect(await flow.next((name) => name !== before)).to.match(/^mover-/);
    } finally {
      flow.stop();
    }
  });
});

/** A client that sends from one port all the time and hears which pod answers. */
class UdpFlow {
  readonly #child: ChildProcess;
  #heard: string[] = [];

  constructor(lab: Lab, address: string, port: number) {
    const code = `
      const socket = require('node:dgram').createSocket('udp4');
      socket.on('message', (text) => process.stdout.write(String(text).trim() + '\\n'));
      socket.on('error', () => {});
      setInterval(() => socket.send('hostname', ${port}, '${address}'), 100);`;
    const [program = '', ...argv] = lab.argvOn('client', [process.execPath, '-e', code]);
    this.#child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child.stdout?.on('data', (chunk) => this.#heard.push(...String(chunk).trim().split('\n')));
  }

  /** The first answer from now on that is wanted. */
  async next(isWanted: (name: string) => boolean): Promise<string> {
    this.#heard = [];
    await waitUntil({
      what: 'an answer on the same UDP flow',
      timeoutMs: MOVE_TIMEOUT_MS,
      probe: async () => this.#heard.some(isWanted),
      explain: async () => `heard ${[...new Set(this.#heard)].join(', ') || 'nothing'}`,
    });
    return this.#heard.find(isWanted) ?? '';
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Nodes whose health check port says that they have an endpoint. */
async function healthy(lab: Lab, port: string): Promise<string[]> {
  const answers = await Promise.all(
    NODES.map(async (node) => {
      const [address] = hostNamed(lab.plan, node).addresses;
      const { stdout } = await lab.tryExec('client', [
        ...['curl', '-s', '-m', '1', '-o', '/dev/null', '-w', '%{http_code}'],
        `http://${address}:${port}/healthz`,
      ]);
      return stdout === '200' ? [node] : [];
    }),
  );
  return answers.flat();
}

/**
 * Gives the client one more address of each family, which the nodes reach through its first; returns what undoes that.
 */
async function addForeignClient(lab: Lab): Promise<() => Promise<void>> {
  const client = hostNamed(lab.plan, 'client').addresses;
  const families = [
    { foreign: `${FOREIGN.IPv4}/32`, via: client.find((address) => !address.includes(':')) ?? '' },
    { foreign: `${FOREIGN.IPv6}/128`, via: client.find((address) => address.includes(':')) ?? '' },
  ];
  const each = async (verb: 'add' | 'delete') => {
    for (const { foreign, via } of families) {
      const nodad = verb === 'add' && foreign.includes(':') ? ['nodad'] : [];
      await lab.exec('client', ['ip', 'address', verb, foreign, 'dev', 'eth0', ...nodad]);
      for (const node of NODES) await lab.exec(node, ['ip', 'route', verb, foreign, 'via', via]);
    }
  };
  await each('add');
  return () => each('delete');
}

function service(name: string, app: string, spec: object = {}): object {
  const ports = [{ name: 'http', port: 80, targetPort: WEB_PORT, protocol: 'TCP' }];
  const common = { type: 'LoadBalancer', selector: { app }, ports };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec: { ...common, ...spec } };
}

function podTemplate(app: string, spec: object): object {
  const container = {
    name: 'server',
    image: AGNHOST_IMAGE,
    imagePullPolicy: 'Never',
    // A pod serves on until all proxies know that it ends, as its users want it: seconds on a busy machine.
    args: ['netexec', `--http-port=${WEB_PORT}`, `--udp-port=${UDP_PORT}`, `--delay-shutdown=${SERVES_ON_SECONDS}`],
    resources: WEB_RESOURCES,
    readinessProbe: { httpGet: { path: '/healthz', port: WEB_PORT }, periodSeconds: 1 },
  };
  return {
    metadata: { labels: { app } },
    spec: { terminationGracePeriodSeconds: SERVES_ON_SECONDS + 3, containers: [container], ...spec },
  };
}

function moverDeployment(replicas: number, nodeSelector: object | null = null): object {
  const selector = { matchLabels: { app: 'mover' } };
  const spread = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' };
  const spec = { nodeSelector, topologySpreadConstraints: [{ ...spread, labelSelector: selector }] };
  const template = podTemplate('mover', spec);
  const metadata = { name: 'mover', namespace: 'default' };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas, selector, template } };
}

function rollerDaemonSet(): object {
  const metadata = { name: 'roller', namespace: 'default' };
  const selector = { matchLabels: { app: 'roller' } };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata,
    spec: { selector, template: podTemplate('roller', {}) },
  };
}
