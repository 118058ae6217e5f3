// SPDX-License-Identifier: Apache-2.0

// `kubectl berth doctor` on a real API server: what it finds beside Berth, and that a kind which the cluster lacks is
// no error.

import { parseCommandLine, run } from '@berth/cli';
import type { Finding, KubeWorkload } from '@berth/core';
import { metallbWorkloads } from '@berth/core/testing';
import { type KubeObject, namespaces, type Resource } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { type Rig, useRig } from '../support/rig.ts';

const deployments: Resource<KubeObject> = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', namespaced: true },
};

interface Examined {
  readonly code: number;
  readonly isInstalled: boolean;
  readonly findings: readonly Finding[];
}

async function doctor(rig: Rig, ...args: string[]): Promise<Examined> {
  const out: string[] = [];
  const code = await run(parseCommandLine(['--berth-namespace', rig.system, 'doctor', '-o', 'json', ...args]), {
    out: (text) => out.push(text),
    err: () => {},
    readFile: async () => '',
    connect: async () => ({ api: rig.client, namespace: rig.shop }),
    clock: systemClock,
  });
  return { code, ...(JSON.parse(out.join('')) as Omit<Examined, 'code'>) };
}

function kinds({ findings }: Examined): string[] {
  return findings.map(({ kind }) => kind);
}

describe('kubectl berth doctor', () => {
  const use = useRig();

  it('DR-11: tells that nothing is there, then what runs beside it and who wrote a status', async () => {
    const { rig } = use;
    const before = await doctor(rig);
    expect([before.isInstalled, kinds(before).includes('not-installed')]).to.deep.equal([false, true]);
    const namespace = 'metallb-system';
    await rig.client.create(namespaces, { metadata: { name: namespace } });
    try {
      const [controller] = metallbWorkloads().deployments;
      await rig.client.create(deployments, runnable(controller));
      await rig.service('old');
      await rig.editStatus('old', { loadBalancer: { ingress: [{ ip: '203.0.113.7' }] } });
      await rig.start();
      await rig.pools({ lan: { addresses: ['203.0.113.40/31'] } });
      await rig.hasReason('old', 'ForeignAddress');
      const found = await doctor(rig);
      expect([found.isInstalled, found.code]).to.deep.equal([true, 1]);
      expect(kinds(found)).to.include.members(['metallb', 'other-writer', 'no-speaker']);
      const writer = found.findings.find(({ kind }) => kind === 'other-writer');
      expect(writer?.services).to.deep.equal([`${rig.shop}/old`]);
    } finally {
      await rig.client.delete(namespaces, { name: namespace });
    }
  });
});

/** The workload with what the API server asks for; no kubelet runs it. */
function runnable(workload: KubeWorkload | undefined): KubeObject {
  if (workload === undefined) throw new Error('no workload');
  const labels = { app: 'metallb' };
  const containers = (workload.spec?.template?.spec?.containers ?? []).map((one) => ({ name: 'controller', ...one }));
  return {
    metadata: workload.metadata,
    ...{ spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } } },
  };
}
