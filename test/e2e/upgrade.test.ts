// SPDX-License-Identifier: Apache-2.0

// A cluster with the version before this one is upgraded as docs/operations.md says, goes back, and stands half-way,
// under traffic. In a lab of its own: its first version is not this tree.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import { imageReference } from '../../tools/image.ts';
import { berthRolledOut, labImage } from '../lab/berth.ts';
import { Lab } from '../lab/lab.ts';
import { rolledOut } from '../lab/rollout.ts';
import { waitUntil } from '../lab/wait.ts';
import { berthText } from '../support/berth-command.ts';
import { type ConnectProbe, startConnectProbe } from '../support/connect-probe.ts';
import { forgetAgainAndAgain } from '../support/forgetful-client.ts';
import { ShownAddresses } from '../support/shown-addresses.ts';
import { type BuiltVersion, buildVersionBefore } from '../support/version-before.ts';
import {
  applyObjects,
  BERTH_NAMESPACE,
  deployWeb,
  externalIpOf,
  poolsConfigMap,
  waitForAnswer,
  waitForExternalIp,
  waitForOwner,
  webService,
} from '../support/workload.ts';
import { besideCluster, clusterTimeoutMs } from './cluster.ts';

const NAME = besideCluster('upgrade');
const FOLDER = join('build', NAME);
const NODES = ['node-1', 'node-2', 'node-3'];
/**
 * An owner that ended without a hand-over would cost a client that asks for it a fifth of a second in which every
 * connect fails: 20 of those that begin meanwhile, each time.
 */
const MOST_FAILED = 0.01;
/** Patience for machines whose clients starve, in milliseconds. */
const LONGEST_GAP_MS = 1_000;
const PATIENCE_MS = 60_000;
const SPEAKERS = 'app.kubernetes.io/component=speaker';
const PROBE = { port: 80, intervalMs: 10, timeoutMs: 500 } as const;
const SERVICES = {
  one: {},
  two: {},
  three: {},
  local: { externalTrafficPolicy: 'Local' },
  both: { ipFamilyPolicy: 'RequireDualStack' },
  gone: {},
} as const;

interface Pod {
  readonly metadata: { readonly deletionTimestamp?: string };
  readonly spec: { readonly containers: readonly { readonly image: string }[] };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

interface LedgerMap {
  readonly data: Readonly<Record<string, string>>;
}

interface LedgerEntry {
  readonly services?: readonly { readonly name: string }[];
  readonly former?: { readonly name: string };
}

describe('an upgrade from the version before', function () {
  this.timeout(clusterTimeoutMs);
  /** By Service. */
  const addresses = new Map<string, string>();
  let lab: Lab;
  let old: BuiltVersion;
  /** Image of this tree. */
  let own: string;

  before(async () => {
    const made = Promise.all([buildVersionBefore(FOLDER), labImage(), imageReference()]);
    made.catch(() => {}); // Awaited when the lab is up.
    lab = await Lab.up({ name: NAME, nodes: NODES.length, family: 'dual' });
    const [built, archive, reference] = await made;
    [old, own] = [built, reference];
    for (const one of [old.archive, archive]) await lab.load(one);
    await lab.kubectl(['apply', '-k', old.kustomization]);
    await deployWeb(lab, NODES.length);
    await berthRolledOut(lab);
    expect(await images()).to.deep.equal([old.image]);
    const services = Object.entries(SERVICES).map(([name, spec]) => webService(name, spec));
    await applyObjects(lab, poolsConfigMap(lab.plan.pools), ...services);
    for (const name of Object.keys(SERVICES)) addresses.set(name, await waitForExternalIp(lab, name));
    for (const vip of addresses.values()) await waitForAnswer(lab, `http://${vip}/hostname`);
  });

  after(async () => {
    await Lab.down(NAME);
    await rm(FOLDER, { recursive: true, force: true });
  });

  it('UG-01: kubectl apply -k of this version: every address stays, and connects go on', async () => {
    await changesVersion({ kustomization: 'manifests', image: own }, 'fresh-1');
  });

  it('UG-02: kubectl apply -k of the version before: the same the other way', async () => {
    await changesVersion(old, 'fresh-2');
  });

  it('UG-03: an upgrade that stands half-way: whichever speaker dies, another one takes over', async () => {
    await beginUpgrade('node-1');
    const vip = addresses.get('one') ?? '';
    for (const victim of ['node-1', 'node-2']) {
      await berthText(lab, 'move', vip, victim);
      expect((await waitForOwner(lab, vip)).host).to.equal(victim);
      await lab.kill(victim, 'speaker');
      await waitUntil({
        what: `another node than ${victim} to answer for ${vip}`,
        timeoutMs: PATIENCE_MS,
        probe: async () => (await waitForOwner(lab, vip)).host !== victim,
      });
      await oneOwnerEach();
    }
    expect(await shown()).to.deep.equal(Object.fromEntries(addresses));
  });

  /** Applies a version under traffic, after a Service has gone; that one then comes back, and a fresh one comes. */
  async function changesVersion(to: Pick<BuiltVersion, 'kustomization' | 'image'>, fresh: string): Promise<void> {
    await lab.kubectl(['delete', 'service', 'gone', '--timeout=30s']);
    const freed = addresses.get('gone');
    addresses.delete('gone');
    const given = await ledger();
    const seen = await underTraffic(async () => {
      await lab.kubectl(['apply', '-k', to.kustomization]);
      await berthRolledOut(lab);
    });
    expect(await images()).to.deep.equal([to.image]);
    expect(await ledger(), 'the ledger').to.deep.equal(given);
    await oneOwnerEach();
    for (const name of ['gone', fresh]) {
      await applyObjects(lab, webService(name));
      const vip = await waitForExternalIp(lab, name, PATIENCE_MS);
      expect([...addresses.values()]).to.not.include(vip);
      expect(vip === freed).to.equal(name === 'gone');
      addresses.set(name, vip);
      await waitForAnswer(lab, `http://${vip}/hostname`);
    }
    console.log(`      ${seen}`);
  }

  /**
   * Clients that know the addresses of two Services, one that has to ask for its address each time, and what statuses
   * show meanwhile.
   */
  async function underTraffic(act: () => Promise<void>): Promise<string> {
    const [known = '', local = '', asked = ''] = ['one', 'local', 'two'].map((name) => addresses.get(name));
    const expected = Object.fromEntries([...addresses].map(([name, vip]) => [name, [vip]]));
    const namespace = lab.namespaceOf('client');
    const statuses = await ShownAddresses.watch(lab);
    const endForgetting = forgetAgainAndAgain(lab, asked);
    const probes: ConnectProbe[] = [];
    for (const address of [known, local, asked]) probes.push(await startConnectProbe({ ...PROBE, namespace, address }));
    await act().finally(endForgetting);
    const seen = await Promise.all(probes.map((probe) => probe.stop()));
    expect(await statuses.stop(), 'addresses that statuses showed').to.deep.equal(expected);
    const gaps = seen.map(({ longestGapMs }) => Math.round(longestGapMs));
    const failed = seen.map((one) => one.failed);
    const said = `longest gaps: ${gaps.join(', ')} ms; failed connects: ${failed.join(', ')} of ${seen[0]?.succeeded}`;
    for (const gap of gaps) expect(gap, said).to.be.at.most(LONGEST_GAP_MS);
    for (const one of seen) expect(one.failed, said).to.be.at.most(MOST_FAILED * one.succeeded);
    return said;
  }

  /** This version is applied, but the speaker of one node alone becomes the new one. */
  async function beginUpgrade(node: string): Promise<void> {
    const folder = join(FOLDER, 'half');
    const patch = JSON.stringify([{ op: 'replace', path: '/spec/updateStrategy', value: { type: 'OnDelete' } }]);
    const patches = [{ target: { kind: 'DaemonSet', name: 'speaker' }, patch }];
    await mkdir(folder);
    await writeFile(
      join(folder, 'kustomization.yaml'),
      JSON.stringify({ resources: [relative(folder, 'manifests')], patches }),
    );
    await lab.kubectl(['apply', '-k', folder]);
    await rolledOut(lab, 'deployment/controller', BERTH_NAMESPACE);
    await inBerth('delete', 'pod', '-l', SPEAKERS, '--field-selector', `spec.nodeName=${node}`);
    await waitUntil({
      what: `the new speaker on ${node}, ready`,
      timeoutMs: PATIENCE_MS,
      probe: async () => {
        const ready = (await pods('-l', SPEAKERS)).filter(isReady);
        return ready.length === NODES.length && ready.filter((pod) => imagesOf(pod).includes(own)).length === 1;
      },
    });
  }

  async function oneOwnerEach(): Promise<void> {
    await Promise.all([...addresses.values()].map((vip) => waitForOwner(lab, vip, PATIENCE_MS)));
  }

  async function shown(): Promise<Record<string, string | undefined>> {
    const entries = [...addresses.keys()].map(async (name) => [name, await externalIpOf(lab, name)]);
    return Object.fromEntries(await Promise.all(entries));
  }

  /** Who has, or had last, which address. */
  async function ledger(): Promise<Record<string, string>> {
    const { data } = JSON.parse(await inBerth('get', 'configmap', 'ledger', '-o', 'json')) as LedgerMap;
    const holders = Object.entries(data).map(([address, text]) => {
      const { services = [], former } = JSON.parse(text) as LedgerEntry;
      return [address, former ? `formerly ${former.name}` : services.map(({ name }) => name).join()];
    });
    return Object.fromEntries(holders);
  }

  async function images(): Promise<string[]> {
    return [...new Set((await pods()).flatMap(imagesOf))];
  }

  /** Pods of Berth that are meant to stay. */
  async function pods(...selector: readonly string[]): Promise<Pod[]> {
    const { items } = JSON.parse(await inBerth('get', 'pods', ...selector, '-o', 'json')) as { items: Pod[] };
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  function inBerth(...args: readonly string[]): Promise<string> {
    return lab.kubectl(['-n', BERTH_NAMESPACE, ...args]);
  }
});

function imagesOf({ spec }: Pod): string[] {
  return spec.containers.map(({ image }) => image);
}

function isReady({ status }: Pod): boolean {
  return status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}
