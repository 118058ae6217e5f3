// SPDX-License-Identifier: Apache-2.0

// The commands that docs/failover.md tells to type, typed.

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { codeBlocks, section } from '../docs/markdown.ts';
import type { Lab } from '../lab/lab.ts';
import { applyObjects, waitForAnswer, waitForExternalIp, webService } from '../support/workload.ts';
import { cluster, clusterTimeoutMs, deleteServices } from './cluster.ts';

describe('the commands of docs/failover.md', function () {
  this.timeout(clusterTimeoutMs);
  let lab: Lab;

  before(async () => {
    lab = await cluster();
  });

  after(() => deleteServices(lab, 'tuned'));

  it('tune the speakers and take that back, and Services are answered throughout', async () => {
    await applyObjects(lab, webService('tuned'));
    const vip = await waitForExternalIp(lab, 'tuned');
    const tuning = section(readFileSync('docs/failover.md', 'utf8'), 'Tuning');
    const blocks = codeBlocks(tuning).filter(({ language }) => language === 'sh');
    const environments: string[] = [];
    for (const { text } of blocks) {
      for (const command of text.trim().split('\n')) {
        const [program, ...args] = command.split(' ');
        expect(program, command).to.equal('kubectl');
        await lab.kubectl(args);
      }
      const path = '{.spec.template.spec.containers[0].env[*].name}';
      environments.push(
        await lab.kubectl(['-n', 'berth-system', 'get', 'daemonset', 'speaker', '-o', `jsonpath=${path}`]),
      );
      expect(await waitForAnswer(lab, `http://${vip}/hostname`)).to.match(/^web-/);
    }
    expect(environments.map((names) => names.includes('HEARTBEAT_MS'))).to.deep.equal([true, false]);
  });
});
