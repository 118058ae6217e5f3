// SPDX-License-Identifier: Apache-2.0

// etcd, kube-apiserver, kube-controller-manager and kube-scheduler in the
// namespace `cp`. That namespace has no way out: in the machine's own one the
// API server's calls to ClusterIPs would leave by the default route.

import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AddressPlan, hostNamed, isNode } from './address-plan.ts';
import { ApiClient } from './api-client.ts';
import { inUrl } from './in-url.ts';
import { ADMIN, accountsFor, ensureTokenFile, formatKubeconfig } from './kubeconfig.ts';
import { logTail, runningProcess, startDaemon, stopDaemon } from './processes.ts';
import { type LabPaths, type SavedLab, writeAtomically, writeIfChanged } from './state.ts';
import { waitUntil } from './wait.ts';

export interface ControlPlane {
  readonly paths: LabPaths;
  readonly lab: SavedLab;
  readonly plan: AddressPlan;
  /** Folder with the program files. */
  readonly binaries: string;
  readonly namespace: string;
}

const HOST = 'cp';
const API_PORT = 6443;
const ETCD_URL = 'http://127.0.0.1:2379';

/**
 * What the API server records: only what Berth's own accounts ask for, to prove that its roles are neither too wide nor
 * too narrow.
 */
const AUDIT_POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  userGroups: ["system:serviceaccounts:berth-system"]
- level: None
`;

export function auditLog(paths: LabPaths): string {
  return join(paths.logs, 'audit.log');
}

/** Starts what does not run yet and waits until the API server and the controllers work. */
export async function ensureControlPlane(plane: ControlPlane): Promise<void> {
  await mkdir(configFolder(plane), { recursive: true });
  await mkdir(plane.paths.logs, { recursive: true });
  const nodes = plane.plan.hosts.filter(isNode).map((host) => host.name);
  const tokens = await ensureTokenFile(join(configFolder(plane), 'tokens.csv'), accountsFor(nodes));
  await ensureServiceAccountKey(plane);
  await startEtcd(plane);
  await startApiServer(plane);
  await writeKubeconfigs(plane, tokens);
  const client = await ApiClient.fromKubeconfig(plane.paths.kubeconfig);
  await waitForApiServer(plane, client);
  await startControllerManager(plane);
  if (nodes.length > 0) await startScheduler(plane);
  await waitUntil({
    what: 'the controller manager to make the default ServiceAccount',
    timeoutMs: 30_000,
    probe: () => client.exists('/api/v1/namespaces/default/serviceaccounts/default'),
    explain: () => logTail(plane.paths, HOST, 'kube-controller-manager'),
  });
}

/** Starts the API server's process; it answers about two seconds later. */
export async function startApiServer(plane: ControlPlane): Promise<void> {
  const config = (file: string) => join(configFolder(plane), file);
  await writeIfChanged(config('audit-policy.yaml'), AUDIT_POLICY);
  await start(plane, 'kube-apiserver', [
    '--bind-address=::',
    `--secure-port=${API_PORT}`,
    `--advertise-address=${advertiseAddress(plane)}`,
    `--etcd-servers=${ETCD_URL}`,
    `--cert-dir=${join(configFolder(plane), 'apiserver')}`,
    `--token-auth-file=${config('tokens.csv')}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${config('service-account.pub')}`,
    `--service-account-signing-key-file=${config('service-account.key')}`,
    `--service-cluster-ip-range=${plane.plan.serviceRanges.join(',')}`,
    '--allow-privileged',
    '--kubelet-preferred-address-types=InternalIP',
    `--audit-policy-file=${config('audit-policy.yaml')}`,
    `--audit-log-path=${auditLog(plane.paths)}`,
    '--profiling=false',
  ]);
}

/** Stops the API server: gently, or as a crash would. */
export async function stopApiServer(plane: ControlPlane, how: 'gently' | 'crash'): Promise<void> {
  await stopDaemon(plane.paths, { host: HOST, program: 'kube-apiserver', graceMs: how === 'gently' ? 5_000 : 0 });
}

/** Waits until the API server says that it is ready; fails at once when its process has ended. */
export async function waitForApiServer(plane: ControlPlane, client: ApiClient): Promise<void> {
  await waitUntil({
    what: 'the API server to be ready',
    timeoutMs: 60_000,
    probe: async () => {
      await assertRuns(plane, 'kube-apiserver');
      return client.exists('/readyz');
    },
    explain: () => logTail(plane.paths, HOST, 'kube-apiserver'),
  });
}

export function configFolder(plane: ControlPlane): string {
  return join(plane.paths.run, 'config');
}

/** The kubeconfig of one of the lab's programs, by the part of its user name after the last colon. */
export function kubeconfigOf(plane: ControlPlane, account: string): string {
  return join(configFolder(plane), `${account}.kubeconfig`);
}

export function serverUrl(plane: ControlPlane): string {
  return `https://${inUrl(advertiseAddress(plane))}:${API_PORT}`;
}

/** PEM text of the certificate that the API server made for itself, which is its own authority. */
export function certificateFile(plane: ControlPlane): string {
  return join(configFolder(plane), 'apiserver', 'apiserver.crt');
}

function advertiseAddress(plane: ControlPlane): string {
  const [address] = hostNamed(plane.plan, HOST).addresses;
  if (address === undefined) throw new Error('lab: cp has no address');
  return address;
}

/** Copies etcd's data, as a backup does; etcd stands still meanwhile. Returns the folder of the copy. */
export async function backUpEtcd(plane: ControlPlane): Promise<string> {
  const backup = join(plane.paths.data, `etcd-backup-${Date.now()}`);
  await stopDaemon(plane.paths, { host: HOST, program: 'etcd', graceMs: 5_000 });
  await cp(etcdData(plane), backup, { recursive: true });
  await startEtcd(plane);
  return backup;
}

/** Puts a copy back in place of what etcd has now. */
export async function restoreEtcd(plane: ControlPlane, backup: string): Promise<void> {
  await stopDaemon(plane.paths, { host: HOST, program: 'etcd', graceMs: 5_000 });
  await rm(etcdData(plane), { recursive: true, force: true });
  await cp(backup, etcdData(plane), { recursive: true });
  await startEtcd(plane);
}

function etcdData(plane: ControlPlane): string {
  return join(plane.paths.data, 'etcd');
}

async function startEtcd(plane: ControlPlane): Promise<void> {
  await start(plane, 'etcd', [
    '--name=lab',
    `--data-dir=${etcdData(plane)}`,
    // A lab is thrown away after a crash of the machine.
    '--unsafe-no-fsync',
    `--listen-client-urls=${ETCD_URL}`,
    `--advertise-client-urls=${ETCD_URL}`,
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--initial-advertise-peer-urls=http://127.0.0.1:2380',
    '--initial-cluster=lab=http://127.0.0.1:2380',
    '--log-level=warn',
  ]);
}

async function startControllerManager(plane: ControlPlane): Promise<void> {
  await start(plane, 'kube-controller-manager', [
    `--kubeconfig=${kubeconfigOf(plane, 'kube-controller-manager')}`,
    '--bind-address=127.0.0.1',
    `--cert-dir=${join(configFolder(plane), 'kube-controller-manager')}`,
    '--leader-elect=false',
    // Publishes an authority's certificate; the API server's own file holds more than that.
    '--controllers=*,-kube-apiserver-serving-clustertrustbundle-publisher-controller',
    '--use-service-account-credentials',
    `--service-account-private-key-file=${join(configFolder(plane), 'service-account.key')}`,
    `--root-ca-file=${certificateFile(plane)}`,
    `--service-cluster-ip-range=${plane.plan.serviceRanges.join(',')}`,
    `--cluster-cidr=${plane.plan.podRanges.join(',')}`,
    `--node-monitor-grace-period=${plane.lab.nodeGraceSeconds}s`,
    '--node-monitor-period=1s',
    '--kube-api-qps=200',
    '--kube-api-burst=400',
    '--profiling=false',
  ]);
}

async function startScheduler(plane: ControlPlane): Promise<void> {
  await start(plane, 'kube-scheduler', [
    `--kubeconfig=${kubeconfigOf(plane, 'kube-scheduler')}`,
    '--bind-address=127.0.0.1',
    `--cert-dir=${join(configFolder(plane), 'kube-scheduler')}`,
    '--leader-elect=false',
  ]);
}

async function start(plane: ControlPlane, program: string, flags: readonly string[]): Promise<void> {
  const argv = [join(plane.binaries, program), ...flags];
  await startDaemon(plane.paths, { host: HOST, program, namespace: plane.namespace, argv });
}

async function assertRuns(plane: ControlPlane, program: string): Promise<void> {
  if ((await runningProcess(plane.paths, HOST, program)) !== undefined) return;
  throw new Error(`lab: ${program} has ended: ${await logTail(plane.paths, HOST, program)}`);
}

async function ensureServiceAccountKey(plane: ControlPlane): Promise<void> {
  const file = join(configFolder(plane), 'service-account.key');
  if ((await readFile(file).catch(() => undefined)) !== undefined) return;
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  await writeFile(join(configFolder(plane), 'service-account.pub'), publicKey);
  // The private key last: that it exists says that both do.
  await writeAtomically(file, privateKey, 0o600);
}

async function writeKubeconfigs(plane: ControlPlane, tokens: ReadonlyMap<string, string>): Promise<void> {
  const certificateAuthority = await certificate(plane);
  for (const [user, token] of tokens) {
    const text = formatKubeconfig({ server: serverUrl(plane), certificateAuthority, token });
    const file = user === ADMIN ? plane.paths.kubeconfig : kubeconfigOf(plane, user.slice(user.lastIndexOf(':') + 1));
    await writeAtomically(file, text, 0o600);
  }
}

async function certificate(plane: ControlPlane): Promise<string> {
  let text: string | undefined;
  await waitUntil({
    what: 'the API server to make its certificate',
    timeoutMs: 30_000,
    probe: async () => {
      await assertRuns(plane, 'kube-apiserver');
      text = await readFile(certificateFile(plane), 'utf8').catch(() => undefined);
      return text?.trimEnd().endsWith('-----END CERTIFICATE-----') === true;
    },
    explain: () => logTail(plane.paths, HOST, 'kube-apiserver'),
  });
  return text ?? '';
}
