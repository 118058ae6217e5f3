// SPDX-License-Identifier: Apache-2.0

// What users bring to a cluster with Berth: pools, a web application, a Service of type LoadBalancer; and how a client
// on the LAN sees it. Demo, end-to-end tests and benchmarks use the same.

import type { Lab } from '../lab/lab.ts';
import { rolledOut } from '../lab/rollout.ts';
import { waitUntil } from '../lab/wait.ts';

export const BERTH_NAMESPACE = 'berth-system';

/** Image that the lab imports into every node; `netexec` serves /hostname and /clientip. */
export const AGNHOST_IMAGE = 'localhost/agnhost:lab';

export const WEB_PORT = 8080;

/**
 * What pods that answer clients ask for. Without a request the kernel gives a pod the least share there is, 2 where a
 * speaker has 102: beside other tests on a busy machine it answered hardly any request within a second.
 */
export const WEB_RESOURCES = { requests: { cpu: '50m' } } as const;

/** Applies objects, given as JSON, with kubectl. */
export function applyObjects(lab: Lab, ...items: readonly object[]): Promise<string> {
  const list = { apiVersion: 'v1', kind: 'List', items };
  return lab.kubectl(['apply', '-f', '-'], { input: JSON.stringify(list) });
}

/** Returns the ConfigMap that a user writes: one pool `lan` with these entries. */
export function poolsConfigMap(addresses: readonly string[]): object {
  const pool = {
    apiVersion: 'berth.dev/v1',
    kind: 'IPAddressPool',
    metadata: { name: 'lan' },
    spec: { addresses },
  };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'ip-address-pools', namespace: BERTH_NAMESPACE },
    data: { 'pools.yaml': JSON.stringify(pool, null, 2) },
  };
}

export interface WebPods {
  /** @default 'web' */
  readonly name?: string;
  /** Labels besides `app: NAME`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Seconds for which a pod serves on after it was asked to end. @default it ends at once */
  readonly servesOnSeconds?: number;
}

/** Returns a Deployment, `web` unless named, of pods that answer /hostname with their name. */
export function webDeployment(replicas: number, { name = 'web', labels = {}, servesOnSeconds }: WebPods = {}): object {
  const own = { app: name };
  const container = {
    name: 'web',
    image: AGNHOST_IMAGE,
    imagePullPolicy: 'Never',
    args: ['netexec', `--http-port=${WEB_PORT}`],
    resources: WEB_RESOURCES,
    readinessProbe: { httpGet: { path: '/healthz', port: WEB_PORT }, periodSeconds: 1 },
    ...(servesOnSeconds !== undefined && { lifecycle: { preStop: { sleep: { seconds: servesOnSeconds } } } }),
  };
  const topologySpreadConstraints = [
    {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: own },
    },
  ];
  const terminationGracePeriodSeconds = 1 + (servesOnSeconds ?? 0);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: own },
      template: {
        metadata: { labels: { ...own, ...labels } },
        spec: { terminationGracePeriodSeconds, topologySpreadConstraints, containers: [container] },
      },
    },
  };
}

/** Returns a Service of type LoadBalancer in front of the web pods; `spec` overrides or adds fields. */
export function webService(name: string, spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: {
      type: 'LoadBalancer',
      selector: { app: 'web' },
      ports: [{ name: 'http', port: 80, targetPort: WEB_PORT, protocol: 'TCP' }],
      ...spec,
    },
  };
}

/** Applies a {@link webDeployment} and waits until all of its pods are ready. */
export async function deployWeb(lab: Lab, replicas: number, pods: WebPods = {}): Promise<void> {
  await applyObjects(lab, webDeployment(replicas, pods));
  await rolledOut(lab, `deployment/${pods.name ?? 'web'}`);
}

/** Returns the first address in a Service's status, or undefined while it is pending. */
export async function externalIpOf(lab: Lab, service: string): Promise<string | undefined> {
  const found = await lab.kubectl(['get', 'service', service, '-o', 'jsonpath={.status.loadBalancer.ingress[0].ip}']);
  return found === '' ? undefined : found;
}

/** Waits until a Service has an address and returns it. */
export async function waitForExternalIp(lab: Lab, service: string, timeoutMs = 30_000): Promise<string> {
  let address: string | undefined;
  await waitUntil({
    what: `an address for Service ${service}`,
    timeoutMs,
    probe: async () => {
      address = await externalIpOf(lab, service);
      return address !== undefined;
    },
    explain: () => lab.kubectl(['describe', 'service', service]),
  });
  return address ?? '';
}

/** Returns what the client on the LAN gets from a URL, or undefined when it gets no answer within the time. */
export async function curlFromClient(lab: Lab, url: string, timeoutSeconds = 2): Promise<string | undefined> {
  const { exitCode, stdout } = await lab.tryExec('client', ['curl', '-sS', '-m', String(timeoutSeconds), url]);
  return exitCode === 0 ? stdout : undefined;
}

/** Waits until the client gets an answer and returns it. */
export async function waitForAnswer(lab: Lab, url: string, timeoutMs = 30_000): Promise<string> {
  let answer: string | undefined;
  await waitUntil({
    what: `an answer from ${url}`,
    timeoutMs,
    probe: async () => {
      answer = await curlFromClient(lab, url);
      return answer !== undefined;
    },
  });
  return answer ?? '';
}

export interface Answerer {
  mac: string;
  /** The host that has an interface with this MAC; undefined for a stranger. */
  host: string | undefined;
}

/** The one host that answers. */
export interface Owner extends Answerer {
  host: string;
}

/**
 * Returns every MAC that answers an ARP request of the client for an address, one entry each: one on a healthy segment,
 * none when no one answers.
 */
export async function whoAnswers(lab: Lab, address: string): Promise<Answerer[]> {
  // -b keeps the requests on broadcast, so that everyone is asked each time and not only who answered first. Without a
  // count arping listens for the whole second and hears every answer.
  const { stdout } = await lab.tryExec('client', ['arping', '-b', '-w', '1', '-I', 'eth0', address]);
  const macs = new Set([...stdout.matchAll(/\[([0-9A-F:]{17})\]/gi)].map(([, mac = '']) => mac.toLowerCase()));
  return [...macs].map((mac) => ({ mac, host: hostWithMac(lab, mac) }));
}

/**
 * Waits until one host of the lab answers for an address, and no one else does; returns it. An answer over TCP does not
 * show that: the client may still know the MAC of a former owner, whose kube-proxy serves the address as every node's
 * does.
 */
export async function waitForOwner(lab: Lab, address: string, timeoutMs = 30_000): Promise<Owner> {
  let answerers: Answerer[] = [];
  let owner: Owner | undefined;
  await waitUntil({
    what: `one host of the lab to answer for ${address}`,
    timeoutMs,
    probe: async () => {
      answerers = await whoAnswers(lab, address);
      const [only, ...more] = answerers;
      owner = only?.host !== undefined && more.length === 0 ? { mac: only.mac, host: only.host } : undefined;
      return owner !== undefined;
    },
    explain: async () => `heard ${JSON.stringify(answerers)}`,
  });
  return owner ?? { mac: '', host: '' };
}

function hostWithMac(lab: Lab, mac: string): string | undefined {
  return lab.plan.hosts.find((host) => host.interfaces.some((own) => own.mac === mac))?.name;
}
