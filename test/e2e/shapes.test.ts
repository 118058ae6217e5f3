// SPDX-License-Identifier: Apache-2.0

// The manifests on clusters of other shapes: one node, another namespace, nodes of another architecture, a dead node,
// namespaces with a strict pod security. A cluster of its own, since nodes are drained, relabelled and lost.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import { codeBlocks, section } from '../docs/markdown.ts';
import { berthRolledOut, labImage } from '../lab/berth.ts';
import { Lab } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { applyObjects, BERTH_NAMESPACE, poolsConfigMap, waitForExternalIp, webService } from '../support/workload.ts';
import { besideCluster } from './cluster.ts';

const LAB = besideCluster('shapes');
const UP_TIMEOUT_MS = 600_000;

interface Template {
  readonly spec: { readonly template: { readonly metadata: object; readonly spec: object } };
}

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly deletionTimestamp?: string };
    readonly status: { readonly phase: string; readonly podIP?: string };
  }[];
}

describe('the manifests on clusters of other shapes', () => {
  let lab: Lab;

  before(async function bringUp() {
    this.timeout(UP_TIMEOUT_MS);
    lab = await Lab.up({ name: LAB, nodes: 2 });
    await lab.load(await labImage());
    await lab.kubectl(['apply', '-k', 'manifests']);
    await berthRolledOut(lab);
    await applyObjects(lab, poolsConfigMap(lab.plan.pools));
  });

  after(async function takeDown() {
    this.timeout(60_000);
    await Lab.down(LAB);
  });

  function speakers(path: string): Promise<string> {
    return lab.kubectl(['get', 'daemonset', 'speaker', '-n', BERTH_NAMESPACE, '-o', `jsonpath={${path}}`]);
  }

  it('MS-01: a drain of the only node is not held up', async () => {
    await lab.kubectl(['cordon', 'node-2']);
    await lab.kubectl(['rollout', 'restart', '-n', BERTH_NAMESPACE, 'deployment/controller']);
    await berthRolledOut(lab);
    const path = 'jsonpath={.items[*].spec.nodeName}';
    const selector = ['-l', 'app.kubernetes.io/component=controller'];
    expect(await lab.kubectl(['get', 'pods', '-n', BERTH_NAMESPACE, ...selector, '-o', path])).to.match(
      /node-1 node-1/,
    );
    await lab.kubectl(['drain', 'node-1', '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=60s']);
    for (const node of ['node-1', 'node-2']) await lab.kubectl(['uncordon', node]);
    await berthRolledOut(lab);
  });

  it('MS-03: nodes of other architectures are left out', async () => {
    const scheduled = async (count: string) => (await speakers('.status.desiredNumberScheduled')) === count;
    // The label is the kubelet's, and was seen to be back at its own architecture: it is set until it is heeded.
    const becomes = (arch: string, count: string) => async () => {
      await lab.kubectl(['label', 'node', 'node-2', `kubernetes.io/arch=${arch}`, '--overwrite']);
      return scheduled(count);
    };
    const explain = async () => {
      const daemonSet = `${await speakers('.metadata.generation')} ${await speakers('.status')}`;
      const labels = await lab.kubectl(['get', 'nodes', '--show-labels', '--no-headers']);
      const pods = await lab.kubectl(['get', 'pods', '-n', BERTH_NAMESPACE, '-o', 'wide', '--no-headers']);
      return `${daemonSet}\n${labels}${pods}`;
    };
    const patience = { timeoutMs: 120_000, intervalMs: 1000, explain };
    await waitUntil({ what: 'one speaker', ...patience, probe: becomes('riscv64', '1') });
    await waitUntil({ what: 'two speakers', ...patience, probe: becomes('amd64', '2') });
    await berthRolledOut(lab);
  });

  it('MS-05: the controller is fit for a namespace with restricted pod security, the speaker needs the label of ours', async () => {
    await lab.kubectl(['create', 'namespace', 'strict']);
    await lab.kubectl(['label', 'namespace', 'strict', 'pod-security.kubernetes.io/enforce=restricted']);
    for (const name of ['controller', 'speaker']) await lab.kubectl(['create', 'serviceaccount', name, '-n', 'strict']);
    const admitted = async (kind: string, name: string, namespace: string) => {
      const text = await lab.kubectl(['get', kind, name, '-n', BERTH_NAMESPACE, '-o', 'json']);
      const { metadata, spec } = (JSON.parse(text) as Template).spec.template;
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'tried', namespace }, spec };
      const argv = ['create', '--dry-run=server', '-f', '-'];
      return lab.kubectl(argv, { input: JSON.stringify(pod) }).then(
        () => 'admitted',
        (error: unknown) => String(error),
      );
    };
    expect(await admitted('deployment', 'controller', 'strict')).to.equal('admitted');
    expect(await admitted('daemonset', 'speaker', 'strict')).to.include('violates PodSecurity "restricted');
    expect(await admitted('daemonset', 'speaker', BERTH_NAMESPACE)).to.equal('admitted');
  }).timeout(120_000);

  it('MS-04: what operations.md says takes an upgrade past a dead node', async () => {
    await lab.kill('node-2', 'node');
    await lab.kubectl(['wait', '--for=condition=Ready=Unknown', 'node', 'node-2', '--timeout=60s']);
    await lab.kubectl(['rollout', 'restart', '-n', BERTH_NAMESPACE, 'daemonset/speaker']);
    const upgrades = section(readFileSync('docs/operations.md', 'utf8'), 'Upgrades');
    const commands = codeBlocks(upgrades).flatMap(({ language, text }) =>
      language === 'sh' ? text.trim().split('\n') : [],
    );
    expect(commands.length).to.be.greaterThan(0);
    for (const command of commands) await lab.kubectl(shellWords(command).slice(1));
    const isUpdated = async () => {
      const hash = '{.items[0].metadata.labels.controller-revision-hash}';
      const where = ['--field-selector', 'spec.nodeName=node-1', '-l', 'app.kubernetes.io/component=speaker'];
      const pod = await lab.kubectl(['get', 'pods', '-n', BERTH_NAMESPACE, ...where, '-o', `jsonpath=${hash}`]);
      const revisions = await lab.kubectl([
        ...['get', 'controllerrevisions', '-n', BERTH_NAMESPACE, '-l', 'app.kubernetes.io/component=speaker'],
        ...['--sort-by=.revision', '-o', 'jsonpath={.items[-1:].metadata.labels.controller-revision-hash}'],
      ]);
      return pod === revisions;
    };
    await waitUntil({ what: 'the new speaker on node-1', timeoutMs: 60_000, probe: isUpdated });
    lab = await Lab.up({ name: LAB, nodes: 2 });
    await lab.kubectl(['wait', '--for=condition=Ready', 'node', 'node-2', '--timeout=60s']);
  });

  it('MO-11: with the component metrics-auth both daemons serve metrics to the reader alone, and are probed in plain', async () => {
    const folder = mkdtempSync('build/shapes-');
    const resources = [relative(folder, 'manifests')];
    const components = [relative(folder, 'manifests/metrics-auth')];
    writeFileSync(
      join(folder, 'kustomization.yaml'),
      JSON.stringify({ namespace: BERTH_NAMESPACE, resources, components }),
    );
    try {
      await lab.kubectl(['apply', '-k', folder]);
    } finally {
      rmSync(folder, { recursive: true });
    }
    await berthRolledOut(lab);
    const path = 'jsonpath={.data.token}';
    const secret = ['get', 'secret', 'metrics-reader-token', '-n', BERTH_NAMESPACE, '-o', path];
    const token = Buffer.from(await lab.kubectl(secret), 'base64').toString();
    // A pod of before, which ends or was drained, may still be listed.
    const addressOf = async (component: string) => {
      const selector = ['-l', `app.kubernetes.io/component=${component}`, '-o', 'json'];
      const { items } = JSON.parse(await lab.kubectl(['get', 'pods', '-n', BERTH_NAMESPACE, ...selector])) as PodList;
      const current = items.find(
        ({ metadata, status }) => metadata.deletionTimestamp === undefined && status.phase === 'Running',
      );
      return current?.status.podIP ?? '';
    };
    for (const [component, port] of [
      ['controller', 7480],
      ['speaker', 7481],
    ] as const) {
      const address = await addressOf(component);
      const curl = (...argv: string[]) =>
        lab.exec('node-1', ['curl', '-sk', '--max-time', '10', ...argv, `https://${address}:${port}/metrics`]);
      expect(await curl('-H', `Authorization: Bearer ${token}`)).to.include('berth_build_info');
      expect(await curl('-o', '/dev/null', '-w', '%{http_code}')).to.equal('401');
    }
  });

  it('MB-01: the role of the manifests is enough to read objects of MetalLB', async () => {
    const crds = 'test/support/metallb-crds.yaml';
    const pool = {
      ...{ apiVersion: 'metallb.io/v1beta1', kind: 'IPAddressPool' },
      metadata: { name: 'of-metallb', namespace: 'metallb-system' },
      spec: { addresses: ['203.0.113.40/32'], autoAssign: false },
    };
    await lab.kubectl(['apply', '-f', crds]);
    await lab.kubectl(['wait', '--for=condition=Established', '-f', crds, '--timeout=30s']);
    await lab.kubectl(['create', 'namespace', 'metallb-system']);
    await applyObjects(lab, pool);
    await lab.kubectl(['rollout', 'restart', '-n', BERTH_NAMESPACE, 'deployment/controller']);
    await berthRolledOut(lab);
    await applyObjects(lab, webService('moved'));
    await lab.kubectl(['annotate', 'service', 'moved', 'metallb.io/address-pool=of-metallb']);
    const hasMoved = async () => (await waitForExternalIp(lab, 'moved')) === '203.0.113.40';
    await waitUntil({ what: 'an address of the object', timeoutMs: 60_000, probe: hasMoved });
    await lab.kubectl(['delete', 'service', 'moved', '--timeout=30s']);
    await lab.kubectl(['delete', '-f', crds]);
  });

  it('MS-02: bindings and processes follow the namespace of somebody else’s kustomization', async () => {
    await lab.kubectl(['delete', '-k', 'manifests', '--timeout=90s']);
    const folder = mkdtempSync('build/shapes-');
    const base = relative(folder, 'manifests');
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify({ namespace: 'lb', resources: [base] }));
    try {
      expect(await lab.kubectl(['kustomize', folder])).to.not.include('berth-system');
      await lab.kubectl(['apply', '-k', folder]);
      await berthRolledOut(lab, 'lb');
    } finally {
      rmSync(folder, { recursive: true });
    }
    const pools = poolsConfigMap(lab.plan.pools) as { readonly metadata: object };
    await applyObjects(lab, { ...pools, metadata: { ...pools.metadata, namespace: 'lb' } }, webService('elsewhere'));
    expect(await waitForExternalIp(lab, 'elsewhere', 60_000)).to.equal(lab.plan.pools[0]?.split('-')[0]);
    expect(await lab.kubectl(['get', 'configmap', 'ledger', '-n', 'lb', '-o', 'name'])).to.equal('configmap/ledger\n');
    await lab.kubectl(['delete', 'service', 'elsewhere', '--timeout=30s']);
  });
});

/** Words of a command line with single quotes, as a shell would split it. */
function shellWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
