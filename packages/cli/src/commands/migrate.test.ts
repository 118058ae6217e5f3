// SPDX-License-Identifier: Apache-2.0
import type { ClusterObjects, KubeService, KubeWorkload } from '@berth/core';
import { metallbWorkloads, sampleCluster, workloadOf } from '@berth/core/testing';
import { configMaps, KubeError, pods } from '@berth/kube';
import { type FakeApi, fakeApiOf } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { parseCommandLine } from '../command-line.ts';
import { run } from '../run.ts';
import { daemonSets, deployments } from '../workloads.ts';

const DOCUMENTS = `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: { name: lan }
spec: { addresses: [203.0.113.0/28] }
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: { name: all }
---
apiVersion: metallb.io/v1beta1
kind: Community
metadata: { name: no-export }
`;
const CONFIG_AT = { namespace: 'berth-system', name: 'ip-address-pools' };
const SPEAKER_AT = { namespace: 'metallb-system', name: 'speaker' };

function service(name: string, ip: string): KubeService {
  return {
    metadata: { name, namespace: 'shop', creationTimestamp: '2026-11-01T00:00:00Z' },
    spec: { type: 'LoadBalancer', ipFamilies: ['IPv4'], clusterIPs: ['10.96.0.9'], ports: [{ port: 80 }] },
    status: { loadBalancer: { ingress: [{ ip }] } },
  };
}

/** Speakers and a leader, no pools, and a Service to which MetalLB gave its address. */
function cluster(ip = '203.0.113.1'): ClusterObjects {
  return { ...sampleCluster({ vips: 0, services: [service('web', ip)] }), configMaps: [] };
}

/** A workload of three pods that are ready. */
function ready(workload: KubeWorkload, labels: Readonly<Record<string, string>>): KubeWorkload {
  return {
    ...workload,
    spec: { ...workload.spec, replicas: 3, selector: { matchLabels: labels } },
    status: {
      ...{ desiredNumberScheduled: 3, numberReady: 3 },
      ...{ replicas: 3, updatedReplicas: 3, readyReplicas: 3 },
    },
  };
}

describe('kubectl berth migrate metallb', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let objects: ClusterObjects;

  beforeEach(async () => {
    clock = new FakeClock();
    objects = cluster();
    api = await fakeApiOf(objects);
  });

  async function migrate(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    const [out, err]: [string[], string[]] = [[], []];
    const code = await run(parseCommandLine(['migrate', 'metallb', '-f', 'metallb.yaml', ...args]), {
      out: (text) => out.push(text),
      err: (text) => err.push(text),
      readFile: async () => DOCUMENTS,
      connect: async () => ({ api, namespace: 'shop' }),
      clock: Object.assign(clock, { date: () => new Date(objects.nowMs) }),
    }).catch((error: Error) => {
      err.push(error.message);
      return 1;
    });
    return { code, out: out.join(''), err: err.join('') };
  }

  async function installBerth(): Promise<void> {
    for (const [kind, component] of [
      [daemonSets, 'speaker'],
      [deployments, 'controller'],
    ] as const) {
      const labels = { 'app.kubernetes.io/component': component };
      await api.create(kind, ready(workloadOf(`berth-system/${component}`, { image: 'berth' }, labels), labels));
    }
  }

  /** With pods that end as soon as their workload does not want them any more. */
  async function installMetallb(): Promise<void> {
    const { daemonSets: sets, deployments: all } = metallbWorkloads();
    for (const one of sets) await api.create(daemonSets, ready(one, { component: 'speaker' }));
    for (const one of all) await api.create(deployments, ready(one, { component: 'controller' }));
    for (const component of ['speaker', 'controller']) {
      await api.create(pods, { metadata: { ...SPEAKER_AT, name: component, labels: { component } } });
    }
    api.after = async ({ verb, kind, at, body }) => {
      if (verb !== 'patch' || at.namespace !== 'metallb-system') return;
      const isEnding = !JSON.stringify(body).includes(':null');
      const name = kind === 'DaemonSet' ? 'speaker' : 'controller';
      const isThere = api.all(pods).some(({ metadata }) => metadata.name === name);
      if (isEnding && isThere) await api.delete(pods, { ...SPEAKER_AT, name });
    };
  }

  it('MG-01: prints a manifest with the report in comments, and writes nothing', async () => {
    const { code, out, err } = await migrate();
    expect([code, err]).to.deep.equal([0, '']);
    const [first, second, ...manifest] = out.split('\n');
    expect([first, second]).to.deep.equal([
      '# no counterpart: Community no-export',
      '# 1 Service of 1 keeps its address',
    ]);
    expect(manifest.slice(0, 7)).to.deep.equal([
      ...['apiVersion: v1', 'kind: ConfigMap', 'metadata:', '  namespace: berth-system'],
      ...['  name: ip-address-pools', 'data:', '  metallb.yaml: |'],
    ]);
    expect(api.calls.filter(({ verb }) => verb !== 'list' && verb !== 'get' && verb !== 'create')).to.deep.equal([]);
  });

  it('MG-02: stops where a Service would not keep its address, and says which', async () => {
    api = await fakeApiOf(cluster('198.51.100.1'));
    await installBerth();
    await installMetallb();
    const { code, out, err } = await migrate('--apply');
    expect([code, err]).to.deep.equal([1, 'nothing was changed: 1 of 1 Services would not go on as they are\n']);
    expect(out).to.match(/^# shop\/web 198\.51\.100\.1: would be left alone, not announced: /);
    expect(api.calls.some(({ verb }) => verb === 'patch')).to.equal(false);
  });

  it('MG-05: changes nothing while Berth is not installed, or not well', async () => {
    await installMetallb();
    const missing = await migrate('--apply');
    expect(missing.err).to.match(/^Berth is not installed in berth-system: kubectl apply -k manifests\//);
    await installBerth();
    const at = { namespace: 'berth-system', name: 'speaker' };
    await api.patch(daemonSets, at, { type: 'merge', body: { status: { numberReady: 2 } } });
    api.calls.length = 0;
    const unwell = await migrate('--apply');
    expect(unwell.err).to.equal('Berth is not ready, and nothing was changed: 2 of 3 speakers are ready');
    expect(api.calls.some(({ verb }) => verb === 'patch')).to.equal(false);
  });

  it('MG-10: starts the speakers of MetalLB again where Berth does not answer in time', async () => {
    await installBerth();
    await installMetallb();
    const ended = migrate('--apply', '--timeout', '5');
    await clock.advance(10_000);
    const { code, err } = await ended;
    expect(code).to.equal(1);
    expect(err).to.match(/^MetalLB's speakers were started again: Berth answers for 1 address: not so after 5 s; /);
    expect(err).to.include('kubectl berth migrate metallb --rollback');
    const { spec } = await api.get(daemonSets, SPEAKER_AT);
    expect(spec?.template?.spec?.nodeSelector).to.deep.equal({});
    expect((await api.get(configMaps, CONFIG_AT)).data).to.have.property('metallb.yaml');
  });

  it('MG-10: starts them again too where the ConfigMap cannot be written', async () => {
    await installBerth();
    await installMetallb();
    api.before = ({ verb, kind }) => {
      if (verb === 'create' && kind === 'ConfigMap') throw new KubeError('forbidden', 'create: a policy says no');
    };
    const { code, err } = await migrate('--apply');
    expect([code, err]).to.deep.equal([1, "MetalLB's speakers were started again: create: a policy says no"]);
    expect((await api.get(daemonSets, SPEAKER_AT)).spec?.template?.spec?.nodeSelector).to.deep.equal({});
  });

  it('MG-08: goes back from there: configuration and replicas are as before', async () => {
    await installBerth();
    await installMetallb();
    const failed = migrate('--apply', '--timeout', '5');
    await clock.advance(10_000);
    await failed;
    const ended = migrate('--rollback');
    await clock.advance(120_000);
    const { code, err } = await ended;
    expect([code, err]).to.deep.equal([0, '']);
    expect(api.all(configMaps).map(({ metadata }) => metadata.name)).to.not.include('ip-address-pools');
    expect(api.all(deployments).map(({ spec }) => spec?.replicas)).to.deep.equal([3, 3]);
    expect((await migrate('--rollback')).err).to.equal('there is nothing to go back from: no move was begun');
  });

  it('refuses to go both ways', async () => {
    const operation = parseCommandLine(['migrate', 'metallb', '--apply', '--rollback']);
    expect(operation.kind).to.equal('usage error');
  });
});
