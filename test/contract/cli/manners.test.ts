// SPDX-License-Identifier: Apache-2.0

// What `kubectl berth` promises beside its results, against the real API server: a dry run writes nothing, names are
// completed from the cluster, and an archive has no secret in it.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parseCommandLine, run } from '@berth/cli';
import { DRAIN_ANNOTATION } from '@berth/core';
import { configMaps, keyOf, nodes, type Pod, pods, secrets, services } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { extract } from 'tar-stream';
import { bundleCommand } from '../../../tools/bundle.ts';
import { type Rig, useRig } from '../support/rig.ts';
import { reportOwned, reportTaken } from '../support/taken-addresses.ts';
import { until } from '../support/until.ts';

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly archive: Uint8Array;
}

/** Runs `kubectl berth ARGS` for the installation of the rig. A refusal is told as its text. */
async function berth(rig: Rig, ...args: readonly string[]): Promise<Result> {
  const [out, err]: [string[], string[]] = [[], []];
  let archive = new Uint8Array();
  const environment = {
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
    readFile: async () => '',
    writeFile: async (_: string, data: Uint8Array) => {
      archive = new Uint8Array(data);
    },
    connect: async () => ({
      ...{ api: rig.client, namespace: rig.shop },
      logs: (pod: { name: string; namespace?: string }) =>
        rig.client.text(`/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/log`),
    }),
    clock: systemClock,
  };
  const isCompletion = args[0] === '__complete';
  const [verb, rest] = isCompletion ? [['__complete'], args.slice(1)] : [[], args];
  try {
    const argv = [...verb, '--berth-namespace', rig.system, ...rest];
    return { code: await run(parseCommandLine(argv), environment), out: out.join(''), err: err.join(''), archive };
  } catch (error) {
    return { code: 1, out: out.join(''), err: String(error), archive };
  }
}

/** Versions of all objects that a command could change; of nodes, which others write too, what a drain changes. */
async function versions(rig: Rig): Promise<string[]> {
  const lists = await Promise.all([
    rig.client.list(services, { namespace: rig.shop }),
    rig.client.list(configMaps, { namespace: rig.system }),
    rig.client.list(secrets, { namespace: rig.system }),
  ]);
  const marked = (await rig.client.list(nodes)).items.filter(
    ({ metadata }) => metadata.annotations?.[DRAIN_ANNOTATION],
  );
  return [
    ...lists.flatMap(({ items }) => items.map(({ metadata }) => `${keyOf({ metadata })} ${metadata.resourceVersion}`)),
    ...marked.map(({ metadata }) => `${metadata.name} is drained`),
  ];
}

/**
 * Two Services, one of them of somebody else, an address in quarantine, two nodes, and no controller that could write
 * meanwhile.
 */
async function staged(rig: Rig): Promise<void> {
  const running = await rig.start();
  await rig.pools({ lan: { addresses: ['203.0.113.40/30'] } });
  await reportTaken(rig, 'n1', ['203.0.113.43']);
  await rig.service('web');
  await rig.has('web', '203.0.113.40');
  await rig.service('foreign', { spec: { loadBalancerClass: 'acme.example/lb' } });
  await rig.service('other');
  await rig.editStatus('foreign', { loadBalancer: { ingress: [{ ip: '192.0.2.99' }] } });
  await until(async () => expect((await berth(rig, 'pools')).out).to.match(/\n203\.0\.113\.43 /));
  await rig.stop(running);
  await reportOwned(rig, ['203.0.113.40']);
  for (const name of ['edge-1', 'edge-2']) await rig.client.create(nodes, { metadata: { name } });
}

describe('kubectl berth, its manners', () => {
  const use = useRig();

  afterEach(async () => {
    for (const name of ['edge-1', 'edge-2'])
      await use.rig.client.delete(nodes, { name }).catch((error: { code?: string }) => {
        if (error.code !== 'not-found') throw error;
      });
  });

  it('CL-02: a dry run of anything writes nothing', async () => {
    const { rig } = use;
    await staged(rig);
    const before = await versions(rig);
    const said: readonly (readonly [string, RegExp])[] = [
      ['move 203.0.113.40 edge-2', /would move: edge-1 -> edge-2|stays on edge-1/],
      ['drain edge-1 --force', /^edge-1 would be drained/],
      ['undrain edge-1', /^edge-1 is not drained/],
      ['rebalance', /^NODE +VIPS NOW +EVEN\n/],
      ['rotate-key', /would get a new key/],
      ['renumber web', /would leave 203\.0\.113\.40/],
      ['pool release 203.0.113.43', /would be taken out of quarantine/],
      ['uninstall', /web would be cleaned/],
    ];
    for (const [command, says] of said) {
      const { out, err } = await berth(rig, ...command.split(' '), '--dry-run');
      expect(out + err, command).to.match(says);
    }
    expect(await versions(rig)).to.deep.equal(before);
  });

  it('CL-10: names of the cluster are completed', async () => {
    const { rig } = use;
    await staged(rig);
    const offered = async (...words: string[]) => (await berth(rig, '__complete', ...words)).out;
    expect(await offered('explain', 'we')).to.equal('web\t203.0.113.40\n:4\n');
    expect(await offered('move', '203.0.113.40')).to.equal(`203.0.113.40\t${rig.shop}/web\n:4\n`);
    expect(await offered('drain', 'edge-')).to.equal('edge-1\tnode\nedge-2\tnode\n:4\n');
    expect(await offered('pool', 'release', '')).to.match(/^203\.0\.113\.43\tused by \S+\n:4\n$/);
  });

  it('CL-10: kubectl itself completes them, by the plug-in as it is built', async () => {
    const { rig } = use;
    await staged(rig);
    const folder = mkdtempSync(join(tmpdir(), 'berth-kubectl-'));
    await bundleCommand(join(folder, 'kubectl-berth'));
    const script = (await berth(rig, 'completion', 'kubectl')).out;
    writeFileSync(join(folder, 'kubectl_complete-berth'), script, { mode: 0o755 });
    const { lab } = rig.cluster;
    const env = {
      PATH: [folder, dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter),
      KUBECONFIG: lab.kubeconfig,
    };
    const argv = ['__complete', 'berth', '-n', rig.shop, 'explain', 'we'];
    const { stdout } = await promisify(execFile)(lab.program('kubectl'), argv, { env });
    rmSync(folder, { recursive: true });
    expect(stdout).to.equal('web\t203.0.113.40\n:4\n');
  });

  it('CL-09, CL-11: pods are told with their versions, and an archive has no secret in it', async () => {
    const { rig } = use;
    await staged(rig);
    const env = [{ name: 'PROXY_PASSWORD', value: 'planted-in-the-environment' }];
    const labels = { 'app.kubernetes.io/component': 'speaker' };
    const containers = [{ name: 'speaker', image: 'localhost/berth:9.9.9', env }];
    await rig.client.create(pods, {
      metadata: { namespace: rig.system, name: 'speaker-a', labels },
      spec: { containers },
    } as unknown as Pod);
    expect((await berth(rig, 'version')).out)
      .to.include('this client is of version')
      .and.match(/speaker-a .* 9\.9\.9 /);
    const { code, archive } = await berth(rig, 'bundle');
    expect(code).to.equal(0);
    const text = await textOf(archive);
    expect(text).to.include('203.0.113.40').and.include('PROXY_PASSWORD');
    expect(text).to.not.include('planted-in-the-environment');
    // The controller has made it.
    const secret = await rig.client.get(secrets, { namespace: rig.system, name: 'heartbeat' });
    expect(text).to.not.include(secret.data?.current ?? 'no key');
    expect(secret.data?.current).to.have.length.above(20);
  });
});

async function textOf(archive: Uint8Array): Promise<string> {
  const tar = extract();
  tar.end(Buffer.from(archive));
  const chunks: Buffer[] = [];
  for await (const entry of tar) for await (const chunk of entry) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
