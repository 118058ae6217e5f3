// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { leases } from '@berth/kube';
import { freePort, freePorts } from '@berth/runtime/testing';
import { expect } from 'chai';
import { type Rig, useRig } from '../support/rig.ts';
import { until } from '../support/until.ts';

const MAIN = 'packages/controller/src/main.ts';

interface Process {
  readonly child: ChildProcess;
  /** What it wrote to standard output and standard error. */
  output(): string;
  /** Exit code, once it has ended. */
  readonly ended: Promise<number | null>;
}

function run(argv: readonly string[]): Process {
  const child = spawn(process.execPath, [MAIN, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk));
  return { child, output: () => text, ended: once(child, 'exit').then(([code]) => code as number | null) };
}

const options = (rig: Rig, port: number) => [
  `--kubeconfig=${rig.cluster.lab.kubeconfig}`,
  `--namespace=${rig.system}`,
  `--metrics-address=127.0.0.1:${port}`,
  '--lease-seconds=3',
  `--identity=process-${port}`,
];

const get = (port: number, path: string) => fetch(`http://127.0.0.1:${port}${path}`);

const holderOf = async (rig: Rig) =>
  (await rig.client.get(leases, { namespace: rig.system, name: 'controller' })).spec?.holderIdentity;

describe('the controller as a process', () => {
  const use = useRig();
  let running: Process[];

  beforeEach(() => {
    running = [];
  });

  afterEach(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
  });

  const start = (argv: readonly string[]) => {
    const started = run(argv);
    running.push(started);
    return started;
  };

  it('serves health, readiness and metrics, works, and ends in order on SIGTERM', async () => {
    const { rig } = use;
    await rig.pools({ lan: { addresses: ['203.0.113.40/30'] } });
    const port = await freePort();
    const { child, ended, output } = start(options(rig, port));
    await until(async () => expect((await get(port, '/readyz')).status).to.equal(200), 30_000);
    expect((await get(port, '/healthz')).status).to.equal(200);
    expect((await get(port, '/nothing')).status).to.equal(404);
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    // The address is on the Service before the controller has the answer to its patch, and counts it.
    await until(async () => {
      const metrics = await (await get(port, '/metrics')).text();
      for (const line of [
        'berth_controller_leader 1',
        'berth_config_loaded 1',
        'berth_pool_addresses_in_use{pool="lan",family="IPv4"} 1',
        'berth_controller_status_patches_total 1',
        'process_resident_memory_bytes',
      ])
        expect(metrics).to.include(line);
    });
    child.kill('SIGTERM');
    expect(await ended).to.equal(0);
    expect(await holderOf(rig)).to.equal('');
    for (const line of output().trim().split('\n')) expect(JSON.parse(line)).to.have.property('message');
  }).timeout(60_000);

  it('HA-04: the leader killed with SIGKILL, the other process goes on', async () => {
    const { rig } = use;
    await rig.pools({ lan: { addresses: ['203.0.113.40/30'] } });
    const [own = 0, other = 0] = await freePorts(2);
    const first = start(options(rig, own));
    await until(async () => expect(await holderOf(rig)).to.equal(`process-${own}`), 30_000);
    start(options(rig, other));
    await until(async () => expect((await get(other, '/readyz')).status).to.equal(200), 30_000);
    // What only the leader knows is not there, where zero would read as "nothing loaded".
    const standby = await (await get(other, '/metrics')).text();
    expect(standby)
      .to.include('berth_controller_leader 0')
      .and.not.match(/^berth_(config|pool)_[^\n]* 0$/m);
    await rig.service('one');
    await rig.has('one', '203.0.113.40');
    first.child.kill('SIGKILL');
    await rig.service('two');
    await rig.has('two', '203.0.113.41');
    await rig.has('one', '203.0.113.40');
    // That 'two' has an address shows who gave it: the Lease came first.
    expect(await holderOf(rig)).to.equal(`process-${other}`);
  }).timeout(90_000);

  it('tells all wrong options and ends with 2', async () => {
    const { ended, output } = start(['--log-level=loud', '--lease-seconds=0']);
    expect(await ended).to.equal(2);
    expect(output()).to.include('--log-level').and.include('--lease-seconds');
  });
});
