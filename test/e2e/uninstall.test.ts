// SPDX-License-Identifier: Apache-2.0

// The last file by name: after it there is no Berth on the shared cluster.

import { expect } from 'chai';
import { bundleCommand, commandFile } from '../../tools/bundle.ts';
import type { Lab } from '../lab/lab.ts';
import { run } from '../lab/run.ts';
import { waitUntil } from '../lab/wait.ts';
import {
  applyObjects,
  externalIpOf,
  waitForAnswer,
  waitForExternalIp,
  webService,
  whoAnswers,
} from '../support/workload.ts';
import { cluster, clusterTimeoutMs } from './cluster.ts';

describe('kubectl delete -k manifests/', () => {
  let lab: Lab;
  let vip: string;

  before(async function bringUp() {
    this.timeout(clusterTimeoutMs);
    lab = await cluster();
    await applyObjects(lab, webService('web'));
    vip = await waitForExternalIp(lab, 'web');
    await waitForAnswer(lab, `http://${vip}/hostname`);
    await bundleCommand();
    await lab.kubectl(['delete', '-k', 'manifests/', '--timeout=120s']);
  });

  it('leaves nobody that answers', async () => {
    await waitUntil({
      what: `no one to answer for ${vip}`,
      timeoutMs: 30_000,
      probe: async () => (await whoAnswers(lab, vip)).length === 0,
    });
  });

  it('leaves no object of its own', async () => {
    const kinds = 'clusterroles,clusterrolebindings,namespaces';
    expect(await lab.kubectl(['get', kinds, '-o', 'name'])).not.to.contain('berth');
  });

  it('is completed by kubectl berth uninstall: no Service is stuck, and no address is left in a status', async () => {
    await run([process.execPath, commandFile, 'uninstall', '--kubeconfig', lab.kubeconfig]);
    expect(await externalIpOf(lab, 'web')).to.equal(undefined);
    const metadata = await lab.kubectl(['get', 'service', 'web', '-o', 'jsonpath={.metadata.finalizers}']);
    expect(metadata).to.equal('');
    await lab.kubectl(['delete', 'service', 'web', '--timeout=30s']);
  });
});
