// SPDX-License-Identifier: Apache-2.0

// CoreDNS for the cluster's names. It runs as a program in `cp`, not as a pod:
// a Service with a hand-made EndpointSlice leads to it.

import { join } from 'node:path';
import { hostNamed } from './address-plan.ts';
import type { ApiClient } from './api-client.ts';
import { type ControlPlane, configFolder, kubeconfigOf } from './control-plane.ts';
import { startDaemon } from './processes.ts';
import { writeIfChanged } from './state.ts';

const PORT = 1053;
const SERVICE = 'kube-dns';
const ROLE = 'lab:coredns';

/** Starts CoreDNS unless it runs, and makes its role, Service and EndpointSlices. */
export async function ensureDns(plane: ControlPlane, client: ApiClient): Promise<void> {
  for (const { path, object } of dnsObjects(plane)) await client.apply(path, object);
  const corefile = join(configFolder(plane), 'Corefile');
  await writeIfChanged(
    corefile,
    `.:${PORT} {
  errors
  ready 127.0.0.1:8181
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig ${kubeconfigOf(plane, 'coredns')}
  }
}
`,
  );
  await startDaemon(plane.paths, {
    host: 'cp',
    program: 'coredns',
    namespace: plane.namespace,
    argv: [join(plane.binaries, 'coredns'), '-conf', corefile],
  });
}

interface PlacedObject {
  readonly path: string;
  readonly object: unknown;
}

function dnsObjects(plane: ControlPlane): PlacedObject[] {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const slices = '/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices';
  return [
    { path: `${rbac}/clusterroles/${ROLE}`, object: role() },
    { path: `${rbac}/clusterrolebindings/${ROLE}`, object: roleBinding() },
    { path: `/api/v1/namespaces/kube-system/services/${SERVICE}`, object: service(plane) },
    ...hostNamed(plane.plan, 'cp').addresses.map((address) => {
      const slice = endpointSlice(address);
      return { path: `${slices}/${slice.metadata.name}`, object: slice };
    }),
  ];
}

function role(): unknown {
  const verbs = ['list', 'watch'];
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: ROLE },
    rules: [
      { apiGroups: [''], resources: ['services', 'namespaces', 'pods'], verbs },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs },
    ],
  };
}

function roleBinding(): unknown {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: ROLE },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: ROLE },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: ROLE }],
  };
}

function service({ plan }: ControlPlane): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: SERVICE, namespace: 'kube-system' },
    spec: {
      clusterIP: plan.dnsAddresses[0],
      clusterIPs: plan.dnsAddresses,
      ipFamilyPolicy: plan.dnsAddresses.length > 1 ? 'RequireDualStack' : 'SingleStack',
      ports: dnsPorts().map((entry) => ({ ...entry, port: 53, targetPort: PORT })),
    },
  };
}

function endpointSlice(address: string) {
  const addressType = address.includes(':') ? 'IPv6' : 'IPv4';
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${SERVICE}-${addressType.toLowerCase()}`,
      namespace: 'kube-system',
      labels: { 'kubernetes.io/service-name': SERVICE, 'endpointslice.kubernetes.io/managed-by': 'berth-lab' },
    },
    addressType,
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: dnsPorts().map((entry) => ({ ...entry, port: PORT })),
  };
}

function dnsPorts() {
  return [
    { name: 'dns', protocol: 'UDP' },
    { name: 'dns-tcp', protocol: 'TCP' },
  ];
}
