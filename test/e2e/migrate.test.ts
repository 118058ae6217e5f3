// SPDX-License-Identifier: Apache-2.0

// A cluster that MetalLB serves moves to Berth and back, with all addresses, under traffic. In a lab of its own: there
// must be no Berth before.

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { bundleCommand, commandFile } from '../../tools/bundle.ts';
import { codeBlocks, section } from '../docs/markdown.ts';
import { installBerth } from '../lab/berth.ts';
import { Lab } from '../lab/lab.ts';
import { rolledOut } from '../lab/rollout.ts';
import { type RunResult, tryRun } from '../lab/run.ts';
import { waitUntil } from '../lab/wait.ts';
import { type ConnectProbe, startConnectProbe } from '../support/connect-probe.ts';
import { forgetAgainAndAgain } from '../support/forgetful-client.ts';
import { giveAddress, installMetallb } from '../support/metallb/stand-in.ts';
import { applyObjects, deployWeb, externalIpOf, waitForAnswer, webService, whoAnswers } from '../support/workload.ts';
import { besideCluster, clusterTimeoutMs } from './cluster.ts';

const NAME = besideCluster('move');
const COUNT = 20;
/** As the issue of the whole asks for, in milliseconds. */
const LONGEST_GAP_MS = 300;
const PROBE = { port: 80, intervalMs: 5, timeoutMs: 500 } as const;

describe('kubectl berth migrate metallb', function () {
  this.timeout(clusterTimeoutMs);
  const addresses = new Map<string, string>();
  let lab: Lab;

  const berth = (...args: string[]): Promise<RunResult> =>
    tryRun([process.execPath, commandFile, ...args, '--kubeconfig', lab.kubeconfig]);
  const kinds = async () => {
    const { stdout } = await berth('doctor', '-o', 'json');
    return (JSON.parse(stdout) as { findings: { kind: string }[] }).findings.map(({ kind }) => kind);
  };
  const shown = async () => {
    const entries = await Promise.all([...addresses.keys()].map(async (name) => [name, await externalIpOf(lab, name)]));
    return Object.fromEntries(entries) as Record<string, string | undefined>;
  };

  before(async () => {
    lab = await Lab.up({ name: NAME, nodes: 3, family: 'ipv4' });
    await bundleCommand();
    await deployWeb(lab, 3);
    const [range = ''] = lab.plan.pools;
    const [, net = '', first = ''] = /^(.*\.)(\d+)-/.exec(range) ?? [];
    for (let index = 0; index < COUNT; index++) addresses.set(`web-${index}`, `${net}${Number(first) + index}`);
    await applyObjects(lab, ...[...addresses.keys()].map((name) => webService(name)));
    for (const [name, ip] of addresses) await giveAddress(lab, name, ip);
    await installMetallb(lab, { addresses, range });
    for (const ip of addresses.values()) await waitForAnswer(lab, `http://${ip}/hostname`);
  });

  after(() => Lab.down(NAME));

  it('MG-05: changes nothing while Berth is not there, and says what to do first', async () => {
    expect(await kinds()).to.include.members(['metallb', 'not-installed']);
    const { exitCode, stderr } = await berth('migrate', 'metallb', '--apply');
    expect([exitCode, stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 1 && text.includes('Berth is not installed in berth-system'),
    );
    expect(await shown()).to.deep.equal(Object.fromEntries(addresses));
  });

  it('MG-06: Berth is installed beside it and answers for nothing', async () => {
    await installBerth(lab);
    for (const ip of [...addresses.values()].slice(0, 3)) expect(await whoAnswers(lab, ip)).to.have.length(1);
    const plan = await berth('migrate', 'metallb');
    expect([plan.exitCode, plan.stderr]).to.deep.equal([0, '']);
    expect(plan.stdout).to.include(`# ${COUNT} Services of ${COUNT} keep their address`).and.include('kind: ConfigMap');
    const configMaps = await lab.kubectl(['get', 'configmaps', '-n', 'berth-system', '-o', 'name']);
    expect(configMaps).to.not.include('ip-address-pools');
  });

  it('MG-07: --apply keeps every address, and a client that connects every 5 ms misses 300 ms at most', async () => {
    const gaps = await underTraffic(() => move('--apply'));
    console.log(`      longest gaps: ${gaps}`);
    await oneAnswerEach();
    expect(await kinds()).to.not.include.members(['metallb']);
    const { stdout } = await berth('vips', '-o', 'json');
    expect(JSON.parse(stdout)).to.have.length(COUNT);
  });

  it('DR-12: doctor finds nothing to do then, on a cluster with real nodes', async () => {
    const { stdout } = await berth('doctor', '-o', 'json');
    const { findings } = JSON.parse(stdout) as { findings: { kind: string; severity: string; text: string }[] };
    // A busy machine is a finding of its own, and no fault of the cluster.
    const wrong = findings.filter(({ kind, severity }) => severity !== 'info' && kind !== 'heartbeats-late');
    expect(wrong.map(({ text }) => text)).to.deep.equal([]);
  });

  it('MG-07: a second --apply finds all done', async () => {
    expect((await berth('migrate', 'metallb', '--apply')).exitCode).to.equal(0);
  });

  it('MB-11: a controller that may read the objects again, as after a Helm upgrade, takes them for what was moved', async () => {
    const inBerth = (...args: string[]) => lab.kubectl(['-n', 'berth-system', ...args]);
    await inBerth('set', 'env', 'deployment/controller', 'METALLB_NAMESPACE-');
    await rolledOut(lab, 'deployment/controller', 'berth-system');
    const status = async (): Promise<Record<string, string>> =>
      JSON.parse(await inBerth('get', 'configmap', 'pool-status', '-o', 'json')).data;
    await waitUntil({
      what: 'the controller reads the objects of MetalLB',
      timeoutMs: 60_000,
      probe: async () => (await status()).metallb === 'read',
    });
    await oneAnswerEach();
    expect(await shown()).to.deep.equal(Object.fromEntries(addresses));
    expect((await status()).config).to.equal('Valid');
  });

  it('MG-08: --rollback keeps every address too, and leaves nothing that Berth would take over by', async () => {
    const gaps = await underTraffic(() => move('--rollback'));
    console.log(`      longest gaps: ${gaps}`);
    await oneAnswerEach();
    const { stdout } = await berth('migrate', 'metallb');
    expect(stdout).to.include(`# ${COUNT} Services of ${COUNT} keep their address`);
    const [finalizers, types] = await Promise.all(
      ['{.items[*].metadata.finalizers}', '{.items[*].status.conditions[*].type}'].map((path) =>
        lab.kubectl(['get', 'services', '-o', `jsonpath=${path}`]),
      ),
    );
    expect(finalizers).to.not.include('load-balancer-cleanup');
    expect(types).to.not.include('berth.dev/Given');
    const again = await berth('migrate', 'metallb', '--rollback');
    expect([again.exitCode, again.stderr]).to.deep.equal([
      1,
      'error: there is nothing to go back from: no move was begun\n',
    ]);
  });

  it('MG-09: the commands of docs/moving/metallb.md do it, as they are written', async () => {
    const text = section(readFileSync('docs/moving/metallb.md', 'utf8'), 'By command');
    const blocks = codeBlocks(text.replace(/^ {3}/gm, '')).filter(({ language }) => language === 'sh');
    const commands = blocks.flatMap((block) => block.text.trim().split('\n'));
    for (const command of commands) {
      const [kubectl, plugin, ...args] = command.split(' ');
      expect([kubectl, plugin], command).to.deep.equal(['kubectl', 'berth']);
      if (args[0] === 'doctor') continue;
      const { exitCode, stderr, stdout } = await berth(...args);
      expect(exitCode, `${command}: ${stderr}${stdout}`).to.equal(0);
    }
    expect(commands.map((one) => one.split(' ').at(-1))).to.include.members(['--apply', '--rollback']);
    expect(await shown()).to.deep.equal(Object.fromEntries(addresses));
  });

  async function move(what: '--apply' | '--rollback'): Promise<void> {
    const { exitCode, stdout, stderr } = await berth('migrate', 'metallb', what);
    expect(exitCode, `${stdout}${stderr}`).to.equal(0);
  }

  /** Clients that know the address of each node's first Service, and one that has to ask for it each time. */
  async function underTraffic(act: () => Promise<void>): Promise<string> {
    const [a = '', b = '', c = '', d = ''] = addresses.values();
    const namespace = lab.namespaceOf('client');
    const endForgetting = forgetAgainAndAgain(lab, d);
    const probes: ConnectProbe[] = [];
    for (const address of [a, b, c, d]) probes.push(await startConnectProbe({ ...PROBE, namespace, address }));
    await act();
    const seen = await Promise.all(probes.map((probe) => probe.stop()));
    await endForgetting();
    expect(await shown()).to.deep.equal(Object.fromEntries(addresses));
    const longest = seen.map(({ longestGapMs }) => Math.round(longestGapMs));
    for (const gap of longest) expect(gap).to.be.at.most(LONGEST_GAP_MS);
    const failed = seen.map((one) => one.failed);
    return `${longest.slice(0, 3).join(', ')} ms, of a client that asks each time ${longest[3]} ms; failed connects: ${failed.join(', ')}`;
  }

  async function oneAnswerEach(): Promise<void> {
    for (const ip of addresses.values())
      await waitUntil({
        what: `one host to answer for ${ip}`,
        timeoutMs: 30_000,
        probe: async () => (await whoAnswers(lab, ip)).length === 1,
      });
  }
});
