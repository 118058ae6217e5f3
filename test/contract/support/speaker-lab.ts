// SPDX-License-Identifier: Apache-2.0

// Three nodes with real speakers on one LAN, an API server and a client that asks who answers: brought up by the first
// test file that needs it, taken down after the last. Each test finds it whole and without Services.

import { randomBytes } from 'node:crypto';
import { IpAddress, LAST_GOOD_MAP, POOL_CONFIG_MAP, usageCondition } from '@berth/core';
import {
  type Condition,
  type ConfigMap,
  configMaps,
  events,
  isKubeError,
  KubeClient,
  kubeconfigAccess,
  type NewObject,
  type Service,
  secrets,
  services,
} from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { buildAddon } from '../../../packages/link/build.ts';
import { Lab } from '../../lab/lab.ts';
import { SpeakerHost } from '../speaker/speaker-host.ts';
import { emptyNamespace, makeNamespace } from './cluster.ts';
import { until } from './until.ts';

/** Two runs at a time need two names. */
const LAB_NAME = process.env.BERTH_SPEAKER_LAB ?? 'speaker';

/** The name of a lab beside the shared one, for one test file alone. */
export function besideLab(what: string): string {
  return `${LAB_NAME}-${what}`;
}

export const CLASS = 'speaker.test/l2';
export const NAMES = ['edge-1', 'edge-2', 'edge-3'];

/**
 * Addresses that tests may use, by their last byte, in this order; the nodes have 101 to 109, the lab's other hosts 1
 * to 3.
 */
const VIP_NUMBERS = [...numbers(110, 254), ...numbers(4, 100)];
/**
 * Options of speakers that no one times: a machine that builds and tests other things beside this one gives a speaker
 * its turn late.
 */
export const PACE = ['--heartbeat-ms=50', '--dead-after-ms=600'];
/** Tests remember who owns what; those of balance say so. */
const OWNERS_STAY = ['--rebalance=off'];
const PATIENCE_MS = 60_000;

/** What the controller says of addresses that it gave. */
export function factOf(vips: readonly string[], loadBalancerClass = CLASS): Condition {
  const given = vips.flatMap((vip) => {
    const address = IpAddress.parse(vip);
    return address.ok ? [address.value] : [];
  });
  const condition = usageCondition({ loadBalancerClass, given, used: [] });
  return { ...condition, lastTransitionTime: new Date().toISOString() };
}

export interface MadeService {
  /** Default: made from the first address. */
  readonly name?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: Partial<NonNullable<Service['spec']>>;
}

interface SpeakersOptions {
  readonly namespace: string;
  /** Of each speaker. */
  readonly options: readonly string[];
}

const NO_ADDRESSES = {
  apiVersion: 'berth.dev/v1',
  kind: 'IPAddressPool',
  metadata: { name: 'none', annotations: { 'berth.dev/empty': 'true' } },
  spec: { addresses: [] },
};

export class SpeakerLab {
  readonly lab: Lab;
  readonly client: KubeClient;
  /** Of Services, pools and Secret. */
  readonly namespace: string;
  readonly hosts: readonly SpeakerHost[];
  #serial = 0;

  private constructor(lab: Lab, client: KubeClient, { namespace, options }: SpeakersOptions) {
    this.lab = lab;
    this.client = client;
    this.namespace = namespace;
    const argv = [`--namespace=${namespace}`, `--load-balancer-class=${CLASS}`, ...OWNERS_STAY, ...options];
    this.hosts = NAMES.map((name, index) => new SpeakerHost({ lab, client, name, number: 101 + index, argv }));
  }

  /**
   * `options`: of each speaker. A lab of its own: other suites restart the shared API server, and these Nodes live on
   * heartbeats of their own.
   */
  static async up(name: string, options: readonly string[] = PACE): Promise<SpeakerLab> {
    buildAddon();
    const lab = await Lab.up({ name, nodes: 0, family: 'ipv4' });
    const client = new KubeClient({
      clock: systemClock,
      access: await kubeconfigAccess(systemClock, lab.kubeconfig),
      userAgent: 'berth-speaker-test',
    });
    const speakers = new SpeakerLab(lab, client, { namespace: await makeNamespace(client), options });
    const data = { current: randomBytes(32).toString('base64') };
    await client.create(secrets, { metadata: { namespace: speakers.namespace, name: 'heartbeat' }, data });
    await Promise.all(speakers.hosts.map((host) => host.up()));
    return speakers;
  }

  async down(): Promise<void> {
    for (const host of this.hosts) host.down();
    this.client.close();
    await this.lab.down();
  }

  /** Starts the speakers that do not run and waits until all hear each other. */
  async whole(): Promise<void> {
    for (const host of this.hosts) if (!host.isRunning) host.start();
    const isReady = (host: SpeakerHost) => until(async () => expect(await host.isReady()).to.equal(true), PATIENCE_MS);
    await Promise.all(this.hosts.map(isReady));
  }

  /** Deletes all Services and pools, and waits until nothing is answered. */
  async clear(): Promise<void> {
    await emptyNamespace(this.client, this.namespace);
    await this.pools();
    const running = this.hosts.filter(({ isRunning }) => isRunning);
    await Promise.all(running.map((host) => until(async () => expect(await host.announced()).to.deep.equal([]))));
  }

  host(name: string): SpeakerHost {
    const host = this.hosts.find((one) => one.name === name);
    if (!host) throw new Error(`no host ${name}`);
    return host;
  }

  /** Those without these. */
  others(...but: readonly SpeakerHost[]): SpeakerHost[] {
    return this.hosts.filter((host) => !but.includes(host));
  }

  /**
   * An address of the LAN that no test used before: what a log, an Event or a neighbor says of it is about this test.
   */
  vip(): string {
    return this.vips(1)[0] ?? '';
  }

  /** As many such addresses, each one more than that before it. */
  vips(count: number): string[] {
    const isRow = (from: number) =>
      VIP_NUMBERS.slice(from, from + count).every((number, index, row) => number === (row[0] ?? 0) + index);
    while (!isRow(this.#serial)) this.#serial += 1;
    const row = VIP_NUMBERS.slice(this.#serial, this.#serial + count);
    if (row.length < count) throw new Error(`speaker lab: ${count} VIPs: none left of ${VIP_NUMBERS.length}`);
    this.#serial += count;
    const lan = this.lab.plan.lans[0]?.[0] ?? '';
    return row.map((number) => lan.replace(/\d+\/24$/, String(number)));
  }

  /** Makes a Service that holds these addresses; returns its name. */
  async service(vips: readonly string[], options: MadeService = {}): Promise<string> {
    const { name = `s-${vips[0]?.replaceAll(/[.:]+/g, '-')}`, annotations = {}, labels = {}, spec = {} } = options;
    const { namespace } = this;
    const ports = [{ port: 80, protocol: 'TCP' }];
    const common = { type: 'LoadBalancer', loadBalancerClass: CLASS, ports, allocateLoadBalancerNodePorts: false };
    await this.client.create(services, {
      metadata: { namespace, name, annotations, labels },
      spec: { ...common, ...spec },
    });
    await this.hold(name, ...vips);
    return name;
  }

  /** Gives these addresses, or none, to a Service, as the controller does. */
  hold(name: string, ...vips: readonly string[]): Promise<void> {
    return this.show(name, vips, [factOf(vips)]);
  }

  /** Writes these addresses, or none, and these conditions into the status of a Service. */
  async show(name: string, vips: readonly string[], conditions: readonly Condition[] = []): Promise<void> {
    const ingress = vips.length === 0 ? null : vips.map((ip) => ({ ip, ipMode: 'VIP' }));
    const body = { status: { loadBalancer: { ingress }, conditions } };
    const at = { namespace: this.namespace, name };
    await this.client.patch(services, at, { type: 'merge', body }, { subresource: 'status' });
  }

  async delete(name: string): Promise<void> {
    await this.client.delete(services, { namespace: this.namespace, name });
  }

  /**
   * Makes or replaces the pool configuration, as people write it and as the controller accepts it; each document is an
   * object. Without a pool it has one that is empty on purpose.
   */
  async pools(...documents: readonly object[]): Promise<void> {
    const text = [...documents, NO_ADDRESSES].map((document) => JSON.stringify(document)).join('\n---\n');
    await this.accept(text);
    await this.write(text);
  }

  /** Makes or replaces what people write, which no speaker reads. */
  async write(text: string): Promise<void> {
    await this.#put({ metadata: { namespace: this.namespace, name: POOL_CONFIG_MAP }, data: { 'pools.yaml': text } });
  }

  /** Deletes what the controller accepted last. */
  forget(): Promise<void> {
    return this.client.delete(configMaps, { namespace: this.namespace, name: LAST_GOOD_MAP });
  }

  /** Makes or replaces what the controller accepted last. */
  async accept(text: string): Promise<void> {
    await this.#put({ metadata: { namespace: this.namespace, name: LAST_GOOD_MAP }, data: { 'pools.yaml': text } });
  }

  /** The Events on a Service that exists, as `reason: message`; none of a former Service of its name. */
  async eventsOf(name: string): Promise<string[]> {
    const { namespace } = this;
    const { uid } = (await this.client.get(services, { namespace, name })).metadata;
    const { items } = await this.client.list(events, { namespace, fieldSelector: `involvedObject.uid=${uid}` });
    return items.map(({ reason, message }) => `${reason}: ${message}`);
  }

  /** Names of the hosts that answer for the VIP within a second; a stranger's MAC as it is. */
  async answerers(vip: string): Promise<string[]> {
    const { stdout } = await this.lab.tryExec('client', ['arping', '-w', '1', '-I', 'eth0', vip]);
    const macs = [...stdout.matchAll(/\[([0-9A-Fa-f:]{17})\]/g)].map((match) => (match[1] ?? '').toLowerCase());
    return [...new Set(macs)].map((mac) => this.hosts.find((host) => host.mac === mac)?.name ?? mac);
  }

  /** Waits until these hosts answer and no other. */
  async isAnsweredBy(vip: string, ...names: readonly string[]): Promise<void> {
    await until(async () => expect(await this.answerers(vip), vip).to.have.members(names), PATIENCE_MS);
  }

  /** Waits until exactly one host answers, and returns it. */
  async owner(vip: string): Promise<SpeakerHost> {
    return until(async () => {
      const [name = '', ...more] = await this.answerers(vip);
      expect(more, vip).to.deep.equal([]);
      return this.host(name);
    }, PATIENCE_MS);
  }

  /**
   * Waits until each of these VIPs is announced by exactly one speaker, by their own words; returns the owners' names
   * by VIP.
   */
  async owners(vips: readonly string[]): Promise<Map<string, string>> {
    return until(async () => {
      const running = this.hosts.filter(({ isRunning }) => isRunning);
      const lists = await Promise.all(running.map(async (host) => [host.name, await host.announced()] as const));
      const pairs = lists.flatMap(([name, owned]) => owned.map((vip) => [vip, name] as const));
      expect(pairs.map(([vip]) => vip)).to.have.members(vips);
      return new Map(pairs);
    }, PATIENCE_MS);
  }

  async #put(configMap: NewObject<ConfigMap>): Promise<void> {
    try {
      await this.client.create(configMaps, configMap);
    } catch (error) {
      if (!isKubeError(error, 'already-exists')) throw error;
      const { namespace = '', name = '' } = configMap.metadata;
      const body = { data: configMap.data };
      await this.client.patch(configMaps, { namespace, name }, { type: 'merge', body });
    }
  }
}

function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

let starting: Promise<SpeakerLab> | undefined;

/** The shared lab, for one test file: whole before each test, and its logs are shown when a test fails. */
export function useSpeakers(): { readonly speakers: SpeakerLab } {
  let speakers: SpeakerLab | undefined;
  before(async function () {
    this.timeout(180_000);
    starting ??= SpeakerLab.up(LAB_NAME);
    speakers = await starting;
  });
  beforeEach(async function () {
    this.timeout(120_000);
    await speakers?.whole();
    await speakers?.clear();
  });
  afterEach(function () {
    if (this.currentTest?.state !== 'failed') return;
    for (const { name, log } of speakers?.hosts ?? []) console.log(name, log.slice(-6_000));
  });
  return {
    get speakers() {
      if (!speakers) throw new Error('speaker lab: asked for before it was up');
      return speakers;
    },
  };
}

// A root hook: this module is imported at the top of the test files.
after(async function () {
  this.timeout(60_000);
  if (starting !== undefined) await (await starting).down();
});
