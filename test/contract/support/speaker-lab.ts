// SPDX-License-Identifier: Apache-2.0

// Three nodes with real speakers on one LAN, an API server and a client that asks who answers: brought up by the first test file that needs
// it, taken down after the last. Each test finds it whole and without Services.

import { randomBytes } from 'node:crypto';
import {
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
import { expect } from 'chai';
import { buildAddon } from '../../../packages/link/build.ts';
import { Lab } from '../../lab/lab.ts';
import { SpeakerHost } from '../speaker/speaker-host.ts';
import { emptyNamespace, makeNamespace } from './cluster.ts';
import { until } from './until.ts';

/** Two runs at a time need two names. */
const LAB_NAME = process.env.BERTH_SPEAKER_LAB ?? 'speaker';
export const CLASS = 'speaker.test/l2';
export const NAMES = ['edge-1', 'edge-2', 'edge-3'];

/** Addresses that tests may use, by their last byte; the nodes have 101 to 103. */
const [FIRST_VIP, LAST_VIP] = [110, 249];
/** A machine that builds and tests other things beside this one gives a speaker its turn late. */
const PACE = ['--heartbeat-ms=50', '--dead-after-ms=600'];
const PATIENCE_MS = 60_000;

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
    const argv = [`--namespace=${namespace}`, `--load-balancer-class=${CLASS}`, ...options];
    this.hosts = NAMES.map((name, index) => new SpeakerHost({ lab, client, name, number: 101 + index, argv }));
  }

  /** `options`: of each speaker. A lab of its own: other suites restart the shared API server, and these Nodes live on heartbeats of their own. */
  static async up(name: string, options: readonly string[] = PACE): Promise<SpeakerLab> {
    buildAddon();
    const lab = await Lab.up({ name, nodes: 0, family: 'ipv4' });
    const client = new KubeClient({ access: await kubeconfigAccess(lab.kubeconfig), userAgent: 'berth-speaker-test' });
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

  /** An address of the LAN that no other test uses. */
  vip(): string {
    const number = FIRST_VIP + (this.#serial++ % (LAST_VIP - FIRST_VIP + 1));
    return (this.lab.plan.lans[0]?.[0] ?? '').replace(/\d+\/24$/, String(number));
  }

  vips(count: number): string[] {
    return Array.from({ length: count }, () => this.vip());
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

  /** Writes these addresses, or none, into the status of a Service. */
  async hold(name: string, ...vips: readonly string[]): Promise<void> {
    const ingress = vips.length === 0 ? null : vips.map((ip) => ({ ip, ipMode: 'VIP' }));
    const body = { status: { loadBalancer: { ingress } } };
    const at = { namespace: this.namespace, name };
    await this.client.patch(services, at, { type: 'merge', body }, { subresource: 'status' });
  }

  async delete(name: string): Promise<void> {
    await this.client.delete(services, { namespace: this.namespace, name });
  }

  /** Makes or replaces the pool configuration; each document is an object. */
  async pools(...documents: readonly object[]): Promise<void> {
    const metadata = { namespace: this.namespace, name: 'ip-address-pools' };
    const text = documents.map((document) => JSON.stringify(document)).join('\n---\n');
    await this.#put({ metadata, data: { 'pools.yaml': text } });
  }

  /** The Events on a Service, as `reason: message`. */
  async eventsOf(name: string): Promise<string[]> {
    const { namespace } = this;
    const { items } = await this.client.list(events, { namespace, fieldSelector: `involvedObject.name=${name}` });
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

  /** Waits until each of these VIPs is announced by exactly one speaker, by their own words; returns the owners' names by VIP. */
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
