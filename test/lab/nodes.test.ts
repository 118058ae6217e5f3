// SPDX-License-Identifier: Apache-2.0

// A whole cluster, on the real thing: pods and Services work, faults do what
// they say, a half-dead lab comes back, and nothing stays behind.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { writeOciArchive } from '../../tools/oci-archive.ts';
import { hostNamed } from './address-plan.ts';
import { inUrl } from './in-url.ts';
import { DEFAULT_KUBERNETES, kubernetesOfEnvironment } from './kubernetes-versions.ts';
import { Lab } from './lab.ts';
import { rolledOut } from './rollout.ts';
import { run } from './run.ts';
import { labPaths } from './state.ts';
import { containerTracesOf, tracesOf } from './traces.ts';
import { waitUntil } from './wait.ts';

const NAME = 'test-nodes';
const WEB = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: {
            topologySpreadConstraints: [
              {
                maxSkew: 1,
                topologyKey: 'kubernetes.io/hostname',
                whenUnsatisfiable: 'DoNotSchedule',
                labelSelector: { matchLabels: { app: 'web' } },
              },
            ],
            containers: [
              {
                name: 'web',
                image: 'localhost/agnhost:lab',
                args: ['netexec', '--http-port=8080'],
                readinessProbe: { httpGet: { path: '/hostname', port: 8080 }, periodSeconds: 1 },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: {
        type: 'NodePort',
        ipFamilyPolicy: 'RequireDualStack',
        selector: { app: 'web' },
        ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }],
      },
    },
  ],
};

describe('a lab with nodes (needs root)', function () {
  this.timeout(600_000);
  let lab: Lab;

  before(async function () {
    if (process.getuid?.() !== 0) this.skip();
    lab = await Lab.up({ name: NAME, nodes: 2 });
    await lab.kubectl(['apply', '-f', '-'], { input: JSON.stringify(WEB) });
    await rolledOut(lab, 'deployment/web');
  });

  after(() => Lab.down(NAME));

  it('runs the version of Kubernetes that is asked for', async () => {
    const wanted = `v${kubernetesOfEnvironment() ?? DEFAULT_KUBERNETES}`;
    const { serverVersion } = JSON.parse(await lab.kubectl(['version', '-o', 'json']));
    const path = '{.items[*].status.nodeInfo.kubeletVersion}';
    const kubelets = (await lab.kubectl(['get', 'nodes', '-o', `jsonpath=${path}`])).split(' ');
    expect([serverVersion.gitVersion, ...kubelets]).to.deep.equal([wanted, wanted, wanted]);
  });

  it('answers on the NodePort of every node, on both families', async () => {
    for (const host of ['node-1', 'node-2']) {
      for (const address of hostNamed(lab.plan, host).addresses) {
        const url = `http://${inUrl(address)}:30080/hostname`;
        expect(await lab.exec('client', ['curl', '--globoff', '--silent', '--max-time', '3', url])).to.match(/^web-/);
      }
    }
  });

  it('resolves names in pods and lets them reach the pods of both nodes', async () => {
    const argv = ['exec', 'deployment/web', '--', 'curl', '--silent', '--max-time', '3', 'http://web.default/hostname'];
    const answers = new Set<string>();
    await waitUntil({
      what: 'an answer of each pod',
      timeoutMs: 20_000,
      probe: async () => answers.add(await lab.kubectl(argv)).size === 2,
    });
    expect([...answers].every((name) => name.startsWith('web-'))).to.equal(true);
  });

  it('shows logs', async () => {
    expect(await lab.kubectl(['logs', 'deployment/web'])).to.include('GET /hostname');
  });

  it('has no way out of any namespace', async () => {
    for (const host of lab.hosts) {
      const routes = await lab.exec(host, ['ip', 'route', 'show', 'default']);
      expect(routes + (await lab.exec(host, ['ip', '-6', 'route', 'show', 'default']))).to.equal('');
    }
  });

  it('loads an image into every node', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-load-'));
    try {
      await mkdir(join(folder, 'root'));
      await writeFile(join(folder, 'root', 'file'), 'text');
      const output = join(folder, 'image.tar');
      await writeOciArchive({
        rootFolder: join(folder, 'root'),
        reference: 'localhost/loaded:test',
        config: {},
        output,
      });
      await lab.load(output);
    } finally {
      await rm(folder, { recursive: true });
    }
    for (const host of ['node-1', 'node-2']) {
      const socket = join(labPaths(NAME).run, host, 'containerd.sock');
      const images = await run(['ctr', '--address', socket, '--namespace', 'k8s.io', 'images', 'list', '--quiet']);
      expect(images).to.include('localhost/loaded:test\n');
    }
  });

  it('loses a node whose cable is pulled, within seconds, and gets it back', async () => {
    await lab.cable('node-2', 'down');
    await lab.kubectl(['wait', '--for=condition=Ready=Unknown', 'node/node-2', '--timeout=10s']);
    await lab.cable('node-2', 'up');
    await lab.kubectl(['wait', '--for=condition=Ready', 'node/node-2', '--timeout=20s']);
  });

  it('freezes and thaws all that runs on a node', async () => {
    await lab.freeze('node-1', 'node');
    await lab.kubectl(['wait', '--for=condition=Ready=Unknown', 'node/node-1', '--timeout=10s']);
    await lab.thaw('node-1', 'node');
    await lab.kubectl(['wait', '--for=condition=Ready', 'node/node-1', '--timeout=20s']);
  });

  it('freezes, thaws and kills the speaker of one node alone', async () => {
    const start = (host: string) => {
      const [program = '', ...args] = lab.argvOn(host, ['sh', '-c', 'sleep 60; : /berth/speaker.js']);
      return spawn(program, args, { stdio: 'ignore' });
    };
    const [hit, spared] = [start('node-1'), start('node-2')];
    const ended = once(hit, 'exit');
    const isIn = (state: string) => async () => (await stateOf(hit.pid)) === state;
    const isOn =
      (host: string, pid = 0) =>
      async () =>
        (await lab.processIds(host)).includes(pid);
    await waitUntil({ what: 'the speaker to start', timeoutMs: 5_000, probe: isOn('node-1', hit.pid) });
    await waitUntil({ what: 'the other speaker', timeoutMs: 5_000, probe: isOn('node-2', spared.pid) });
    await lab.freeze('node-1');
    await waitUntil({ what: 'the speaker to stop', timeoutMs: 5_000, probe: isIn('T') });
    expect(await stateOf(spared.pid)).to.not.equal('T');
    await lab.thaw('node-1');
    await waitUntil({ what: 'the speaker to go on', timeoutMs: 5_000, probe: isIn('S') });
    await lab.kill('node-1');
    expect(await ended).to.deep.equal([null, 'SIGKILL']);
    spared.kill();
  });

  it('says so when a fault has nothing to hit', async () => {
    const refused = await lab.freeze('node-1').catch((error: Error) => error.message);
    expect(refused).to.equal('lab: freeze speaker on node-1: no such process runs there');
  });

  it('comes back with its pods after half of it was killed', async () => {
    const some = [...(await lab.processIds('cp')).slice(0, 2), ...(await lab.processIds('node-1'))];
    for (const pid of some) process.kill(pid, 'SIGKILL');
    await Lab.up({ name: NAME });
    await rolledOut(lab, 'deployment/web');
    const curl = ['exec', 'deployment/web', '--', 'curl', '-s', '--max-time', '3', 'http://web/hostname'];
    await waitUntil({
      what: 'a pod to reach the Service',
      timeoutMs: 60_000,
      // For a moment the API server may still name a pod whose container was killed.
      probe: async () => /^web-/.test(await lab.kubectl(curl).catch(() => '')),
    });
  });

  it('is made anew after it was killed and its network is half gone', async () => {
    for (const pid of await lab.processIds('node-1')) process.kill(pid, 'SIGKILL');
    await run(['ip', 'netns', 'delete', lab.namespaceOf('node-1')]);
    lab = await Lab.up({ name: NAME, nodes: 1 });
    expect(await lab.kubectl(['get', 'nodes', '-o', 'name'])).to.equal('node/node-1\n');
  });

  it('leaves no process, mount, namespace, link or container', async () => {
    await lab.kubectl(['run', 'pod', '--image=localhost/agnhost:lab']);
    await lab.kubectl(['wait', '--for=condition=Ready', 'pod/pod', '--timeout=30s']);
    expect(await tracesOf(NAME)).to.not.deep.equal([]);
    const containers = await containerTracesOf(NAME);
    expect(containers).to.not.deep.equal([]);
    await lab.down();
    expect(await tracesOf(NAME)).to.deep.equal([]);
    expect(containers.filter((file) => existsSync(file))).to.deep.equal([]);
  });
});

/** One letter: S sleeps, T is stopped (proc_pid_stat(5)). */
async function stateOf(pid: number | undefined): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[0];
}
