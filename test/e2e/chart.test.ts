// SPDX-License-Identifier: Apache-2.0

// The Helm chart: it renders what the base renders, and a release of it is installed, changed, rolled back and
// uninstalled on a cluster of its own.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { CHART_FOLDER } from '../../tools/release/chart.ts';
import { labImage } from '../lab/berth.ts';
import { ensureHelm } from '../lab/helm.ts';
import { Lab } from '../lab/lab.ts';
import { ROLLOUT_TIMEOUT } from '../lab/rollout.ts';
import { run } from '../lab/run.ts';
import { applyObjects, BERTH_NAMESPACE, waitForExternalIp, webService } from '../support/workload.ts';
import { besideCluster } from './cluster.ts';

const LAB = besideCluster('chart');
const UP_TIMEOUT_MS = 600_000;

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; labels?: Record<string, string> };
}

/** Labels that only Helm gives. */
const OF_HELM = [
  'app.kubernetes.io/managed-by',
  'app.kubernetes.io/instance',
  'app.kubernetes.io/version',
  'helm.sh/chart',
];

function objectsIn(text: string): Map<string, unknown> {
  const objects = parseAllDocuments(text).map((document) => document.toJS() as Rendered | null);
  const entries = objects.flatMap((object): [string, Rendered][] => {
    // The namespace is made by `helm install --create-namespace`.
    if (object === null || object.kind === 'Namespace') return [];
    for (const label of OF_HELM) delete object.metadata.labels?.[label];
    return [[`${object.kind} ${object.metadata.name}`, object]];
  });
  return new Map(entries);
}

describe('the Helm chart', () => {
  let helm: string;
  let lab: Lab;

  /** Runs Helm against the lab. */
  const onLab = (...argv: string[]) =>
    run([helm, ...argv, '--namespace', BERTH_NAMESPACE, '--kubeconfig', lab.kubeconfig]);
  const installed = ['berth', CHART_FOLDER, '--wait', '--timeout', ROLLOUT_TIMEOUT];
  const argumentsOf = async (workload: string) => {
    const path = 'jsonpath={.spec.template.spec.containers[0].args}';
    return JSON.parse(await lab.kubectl(['get', workload, '-n', BERTH_NAMESPACE, '-o', path])) as string[];
  };

  before(async function bringUp() {
    this.timeout(UP_TIMEOUT_MS);
    helm = await ensureHelm();
    lab = await Lab.up({ name: LAB, nodes: 1 });
    await lab.load(await labImage());
  });

  after(async function takeDown() {
    this.timeout(60_000);
    await Lab.down(LAB);
  });

  it('passes helm lint', async () => {
    expect(await run([helm, 'lint', '--strict', CHART_FOLDER])).to.include('0 chart(s) failed');
  });

  it('renders the objects of the base', async () => {
    const base = await lab.kubectl(['kustomize', 'manifests']);
    const chart = await run([helm, 'template', 'berth', CHART_FOLDER, '--namespace', BERTH_NAMESPACE]);
    expect(Object.fromEntries(objectsIn(chart))).to.deep.equal(Object.fromEntries(objectsIn(base)));
  });

  /** What the base is with these components of manifests/. */
  async function kustomized(...components: string[]): Promise<string> {
    const folder = await mkdtemp(join('build', 'components-'));
    const kustomization = {
      namespace: BERTH_NAMESPACE,
      resources: ['../../manifests'],
      components: components.map((name) => `../../manifests/${name}`),
    };
    await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
    return lab.kubectl(['kustomize', folder]).finally(() => rm(folder, { recursive: true }));
  }

  const MONITORING = ['podMonitor', 'prometheusRule', 'grafanaDashboard'].map((name) => `monitoring.${name}=true`);

  it('MO-10: renders the objects of the component metrics-auth where its value asks for them', async () => {
    const base = await kustomized('monitoring', 'metrics-auth');
    const asked = ['--set', [...MONITORING, 'metricsAuth=token'].join(',')];
    const chart = await run([helm, 'template', 'berth', CHART_FOLDER, '--namespace', BERTH_NAMESPACE, ...asked]);
    expect([...objectsIn(chart).keys()]).to.include('ClusterRole berth-metrics-auth');
    expect(Object.fromEntries(objectsIn(chart))).to.deep.equal(Object.fromEntries(objectsIn(base)));
  });

  it('MO-04: renders the objects of the component monitoring where its values ask for them', async () => {
    const base = await kustomized('monitoring');
    const asked = ['--set', MONITORING.join(',')];
    const chart = await run([helm, 'template', 'berth', CHART_FOLDER, '--namespace', BERTH_NAMESPACE, ...asked]);
    expect([...objectsIn(chart).keys()]).to.include.members([
      'PodMonitor berth',
      'PrometheusRule berth',
      'ConfigMap grafana-dashboard',
    ]);
    expect(Object.fromEntries(objectsIn(chart))).to.deep.equal(Object.fromEntries(objectsIn(base)));
  });

  it('refuses an option that does not exist, and a value that the daemon would refuse', async () => {
    for (const [setting, complaint] of [
      ['controller.options.leese-seconds=3', 'leese-seconds'],
      ['speaker.options.rebalance=sometimes', 'rebalance'],
      ['speaker.options.heartbeat-ms=1', 'heartbeat-ms'],
    ] as const) {
      const refused = await run([helm, 'template', 'berth', CHART_FOLDER, '--set', setting]).catch(String);
      expect(refused).to.include(complaint);
    }
  });

  it('installs, and gives a Service an address of the pools that stand in its values', async () => {
    const pools = [
      {
        apiVersion: 'berth.dev/v1',
        kind: 'IPAddressPool',
        metadata: { name: 'lan' },
        spec: { addresses: lab.plan.pools },
      },
    ];
    await onLab('install', ...installed, '--create-namespace', '--set-json', `pools=${JSON.stringify(pools)}`);
    await applyObjects(lab, webService('web'));
    expect(await waitForExternalIp(lab, 'web')).to.equal(lab.plan.pools[0]?.split('-')[0]);
  });

  it('is upgraded to another option, and rolled back', async () => {
    await onLab('upgrade', ...installed, '--reuse-values', '--set', 'speaker.options.log-level=debug');
    expect(await argumentsOf('daemonset/speaker')).to.include('--log-level=debug');
    await onLab('rollback', 'berth', '1', '--wait', '--timeout', ROLLOUT_TIMEOUT);
    expect(await argumentsOf('daemonset/speaker')).not.to.include('--log-level=debug');
    expect(await waitForExternalIp(lab, 'web')).to.equal(lab.plan.pools[0]?.split('-')[0]);
  });

  it('is uninstalled, and leaves the pools to their owner', async () => {
    await lab.kubectl(['delete', 'service', 'web', '--timeout=30s']);
    await onLab('uninstall', 'berth', '--wait', '--timeout', ROLLOUT_TIMEOUT);
    const left = await lab.kubectl(['get', 'daemonsets,deployments,configmaps', '-n', BERTH_NAMESPACE, '-o', 'name']);
    expect(left).to.include('configmap/ip-address-pools');
    expect(left).not.to.match(/speaker|deployment/);
  });
});
