// SPDX-License-Identifier: Apache-2.0

// Real speakers on a real LAN, a real controller, and the dashboard beside them: one for all browser tests that need
// it.

import { parseCommandLine, run } from '@berth/cli';
import { Controller } from '@berth/controller';
import { KubeClient, kubeconfigAccess, type NewObject, type Service, services } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { CLASS, SpeakerLab } from '../../contract/support/speaker-lab.ts';
import { until } from '../../contract/support/until.ts';
import { type Served, serve } from './served.ts';

const LAB_NAME = process.env.BERTH_BROWSER_LAB ?? 'browser';
/** Slower than the default, for machines that build and test other things beside this; a death is noticed in 400 ms. */
const PACE = ['--heartbeat-ms=50', '--dead-after-ms=400'];
/** Addresses of the pool, at most. */
const MOST_ADDRESSES = 12;
const SILENT = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

export interface BrowserLab {
  readonly speakers: SpeakerLab;
  readonly served: Served;
  /** Runs `kubectl berth ...` for this installation; returns what it said. */
  berth(command: string): Promise<string>;
  /** Makes a Service and returns its VIP. */
  service(name: string): Promise<string>;
  /** Makes a Service that gets none. */
  waitingService(name: string): Promise<void>;
  deleteService(name: string): Promise<void>;
  /** Makes or replaces the pool `lan`: the first so many addresses of those that the tests may use. */
  pools(count: number): Promise<void>;
  /** The client of the lab claims an address, again and again. */
  stranger(vip: string): { stop(): Promise<void> };
}

/** The lab for one test file. */
export function useLab(): BrowserLab {
  let speakers: SpeakerLab | undefined;
  let served: Served | undefined;
  let controller: Controller | undefined;
  let client: KubeClient | undefined;
  let addresses: readonly string[] | undefined;
  const lab = () => {
    if (speakers === undefined) throw new Error('browser lab: asked for before it was up');
    return speakers;
  };
  const options = () => ['--berth-namespace', lab().namespace, '--load-balancer-class', CLASS];
  before(async function () {
    this.timeout(180_000);
    speakers = await SpeakerLab.up(LAB_NAME, PACE);
    await speakers.whole();
    const access = await kubeconfigAccess(systemClock, speakers.lab.kubeconfig);
    client = new KubeClient({ clock: systemClock, access, userAgent: 'berth-controller' });
    const { namespace } = speakers;
    const rest = { loadBalancerClass: CLASS, finalizer: false, leaseSeconds: 3, identity: 'controller-0' };
    controller = new Controller({ clock: systemClock, ...rest, api: client, log: SILENT, namespace });
    controller.start();
    await controller.ready;
    served = await serve({ api: speakers.client, options: options() });
  });
  afterEach(function () {
    if (this.currentTest?.state !== 'failed') return;
    for (const { name, log } of speakers?.hosts ?? []) console.log(name, log.slice(-3_000));
  });
  after(async function () {
    this.timeout(60_000);
    await served?.interrupt();
    await controller?.stop();
    client?.close();
    await speakers?.down();
  });
  return {
    get speakers() {
      return lab();
    },
    get served() {
      if (served === undefined) throw new Error('browser lab: asked for before it was up');
      return served;
    },
    berth: (command) => berth(lab(), [...options(), ...command.replace(/^kubectl berth /, '').split(' ')]),
    service: async (name) => {
      await create(lab(), name);
      return addressOf(lab(), name);
    },
    waitingService: (name) => create(lab(), name),
    deleteService: (name) => lab().client.delete(services, { namespace: lab().namespace, name }),
    pools: async (count) => {
      addresses ??= lab().vips(MOST_ADDRESSES);
      const range = `${addresses[0]}-${addresses[count - 1]}`;
      const pool = { apiVersion: 'berth.dev/v1', kind: 'IPAddressPool', metadata: { name: 'lan' } };
      await lab().write(JSON.stringify({ ...pool, spec: { addresses: [range] } }));
    },
    stranger: (vip) => strangerOn(lab(), vip),
  };
}

/** Frames with the address as the client's own, until it is stopped. */
function strangerOn({ lab }: SpeakerLab, vip: string): { stop(): Promise<void> } {
  let isClaiming = true;
  const claiming = (async () => {
    await lab.exec('client', ['sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1']);
    while (isClaiming)
      await lab.tryExec('client', ['arping', '-U', '-c', '1', '-w', '1', '-I', 'eth0', '-s', vip, vip]);
  })();
  return {
    stop: async () => {
      isClaiming = false;
      await claiming;
    },
  };
}

async function berth({ client, namespace }: SpeakerLab, argv: readonly string[]): Promise<string> {
  const said: string[] = [];
  const say = (text: string) => said.push(text);
  const connect = async () => ({ api: client, namespace });
  await run(parseCommandLine(argv), { out: say, err: say, readFile: async () => '', connect, clock: systemClock });
  return said.join('');
}

async function create({ client, namespace }: SpeakerLab, name: string): Promise<void> {
  const ports = [{ port: 80, protocol: 'TCP' }];
  const object: NewObject<Service> = {
    metadata: { namespace, name },
    spec: { type: 'LoadBalancer', loadBalancerClass: CLASS, ports, allocateLoadBalancerNodePorts: false },
  };
  await client.create(services, object);
}

function addressOf({ client, namespace }: SpeakerLab, name: string): Promise<string> {
  return until(async () => {
    const { status } = await client.get(services, { namespace, name });
    const address = status?.loadBalancer?.ingress?.[0]?.ip ?? '';
    expect(address, `address of ${name}`).to.not.equal('');
    return address;
  });
}
