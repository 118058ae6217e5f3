// SPDX-License-Identifier: Apache-2.0

// One node of the cluster: containerd, kubelet and kube-proxy in the namespace
// of a host.

import { mkdir } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import type { ApiClient } from './api-client.ts';
import { socketOf } from './container-runtime.ts';
import { inUrl } from './in-url.ts';
import type { LabNode } from './lab-node.ts';
import { logTail, startDaemon } from './processes.ts';
import { writeIfChanged } from './state.ts';
import { waitUntil } from './wait.ts';

/** A kubelet renews its lease four times within this span, so every second. */
const LEASE_SECONDS = 4;
const PROXY_HEALTH_PORT = 10256;

interface NodeObject {
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Registers the node with its own pod ranges, which kubelet and controllers then keep. */
export async function registerNode({ host }: LabNode, client: ApiClient): Promise<void> {
  await client.create('/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: host.name, labels: { 'kubernetes.io/hostname': host.name } },
    spec: { podCIDR: host.podRanges[0], podCIDRs: host.podRanges },
    // Known from the plan: kube-proxy need not wait for the kubelet to tell.
    status: { addresses: host.addresses.map((address) => ({ type: 'InternalIP', address })) },
  });
}

export async function startKubelet(node: LabNode): Promise<void> {
  const config = join(node.folder, 'kubelet.json');
  await mkdir(join(node.data, 'kubelet'), { recursive: true });
  await writeIfChanged(config, JSON.stringify(kubeletConfig(node), null, 2));
  await startDaemon(node.paths, {
    host: node.host.name,
    program: 'kubelet',
    namespace: node.namespace,
    argv: [
      join(node.binaries, 'kubelet'),
      `--config=${config}`,
      `--kubeconfig=${node.kubeconfigOf(node.host.name)}`,
      `--root-dir=${join(node.data, 'kubelet')}`,
      `--cert-dir=${join(node.folder, 'kubelet-certificates')}`,
      `--hostname-override=${node.host.name}`,
      `--node-ip=${node.host.addresses.join(',')}`,
    ],
  });
}

/** A host that is no node can have a kube-proxy too: `cp`, whose API server calls webhook Services. */
export type ProxyHost = Omit<LabNode, 'data'>;

export async function startKubeProxy(node: ProxyHost): Promise<void> {
  const config = join(node.folder, 'kube-proxy.json');
  await mkdir(node.folder, { recursive: true });
  await writeIfChanged(config, JSON.stringify(kubeProxyConfig(node), null, 2));
  await startDaemon(node.paths, {
    host: node.host.name,
    program: 'kube-proxy',
    namespace: node.namespace,
    argv: [join(node.binaries, 'kube-proxy'), `--config=${config}`],
  });
}

/** Waits until the node is Ready and its kube-proxy has written its rules. */
export async function waitForNode(node: LabNode, client: ApiClient): Promise<void> {
  const name = node.host.name;
  await waitUntil({
    what: `${name} to be Ready`,
    timeoutMs: 90_000,
    intervalMs: 100,
    probe: () => isReady(name, client),
    explain: () => logTail(node.paths, name, 'kubelet'),
  });
  const [address = ''] = node.host.addresses;
  await waitUntil({
    what: `kube-proxy of ${name}`,
    timeoutMs: 30_000,
    intervalMs: 100,
    probe: () => answersOk(`http://${inUrl(address)}:${PROXY_HEALTH_PORT}/healthz`),
    explain: () => logTail(node.paths, name, 'kube-proxy'),
  });
}

export async function isReady(name: string, client: ApiClient): Promise<boolean> {
  const { status } = await client.get<NodeObject>(`/api/v1/nodes/${name}`);
  return status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
}

/** True when the URL answers 200 within a second. */
export function answersOk(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: 1_000, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('timeout', () => request.destroy(new Error('no answer')));
    request.once('error', () => resolve(false));
  });
}

function kubeletConfig(node: LabNode): unknown {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${socketOf(node)}`,
    // Both versions of cgroups, and no slices of this machine's own.
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    localStorageCapacityIsolation: false,
    // All nodes share this machine's disk: how full it is, is not the cluster's business.
    evictionHard: {
      'memory.available': '50Mi',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
      'imagefs.inodesFree': '0%',
    },
    // Loaded images cannot be pulled again.
    imageGCHighThresholdPercent: 100,
    podLogsDir: join(node.data, 'pod-logs'),
    volumePluginDir: join(node.data, 'volume-plugins'),
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    clusterDNS: node.plan.dnsAddresses,
    clusterDomain: 'cluster.local',
    resolvConf: '',
    nodeLeaseDurationSeconds: LEASE_SECONDS,
    nodeStatusUpdateFrequency: '1s',
    // Without changes the status is written as rarely as anywhere; the lease says that the node lives.
    nodeStatusReportFrequency: '5m',
  };
}

function kubeProxyConfig(node: ProxyHost): unknown {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: node.kubeProxy,
    clientConnection: { kubeconfig: node.kubeconfigOf('kube-proxy') },
    hostnameOverride: node.host.name,
    clusterCIDR: node.plan.podRanges.join(','),
    // Conntrack limits are the machine's, not a namespace's.
    conntrack: { maxPerCore: 0, min: 0 },
    // The default of one second would hide what the lab measures: how soon a new address serves.
    nftables: { minSyncPeriod: '100ms' },
    iptables: { minSyncPeriod: '100ms' },
  };
}
