// SPDX-License-Identifier: Apache-2.0

/**
 * Access through a kubeconfig, with everything that client-node's KubeConfig understands: tokens, certificates, exec
 * plug-ins, OIDC, proxies. client-node is imported only here and only when it is needed, because its generated models
 * cost about 30 MB of resident memory: see docs/design/0002-kube-client.md.
 */

import { existsSync, readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Clock } from '@berth/runtime';
import type { KubeConfig, User } from '@kubernetes/client-node';
import type { ClusterAccess, Credentials, TlsMaterial } from './access.ts';
import { KubeError } from './errors.ts';
import { inClusterAccess, isInCluster } from './in-cluster.ts';

/** Which cluster, and as whom: the options of kubectl with the same names. An empty text counts as not given. */
export interface AccessChoice {
  /** File. @default the files in KUBECONFIG, else ~/.kube/config, else the pod's own ServiceAccount */
  readonly kubeconfig?: string | undefined;
  /** @default current-context of the kubeconfig */
  readonly context?: string | undefined;
  /** Name of a cluster in the kubeconfig. @default that of the context */
  readonly cluster?: string | undefined;
  /** Name of a user in the kubeconfig. @default that of the context */
  readonly user?: string | undefined;
  /** Name of a user to act as. @default no one else */
  readonly as?: string | undefined;
}

/** Where the files of a choice are named, for messages. */
interface Files {
  readonly paths: readonly string[];
  readonly from: '--kubeconfig' | 'KUBECONFIG' | 'default';
}

/**
 * Returns access the way kubectl finds it. Unlike kubectl, a file that is named and missing is an error, and not the
 * way to the cluster that this process happens to run in. Throws a KubeError `no-access` where there is nothing, or a
 * choice names what is not there.
 */
export async function findAccess(clock: Clock, choice: AccessChoice = {}): Promise<ClusterAccess> {
  const files = filesOf(choice);
  const present = files.paths.filter((path) => existsSync(path));
  if (present.length > 0) return accessOf(present, choice);
  if (files.from !== 'default') throw noAccess(`${files.from}: there is no file ${files.paths.join(' or ')}`);
  if (!isInCluster()) {
    throw noAccess(`no kubeconfig: --kubeconfig and KUBECONFIG are not set, and there is no ${files.paths.join()}`);
  }
  const named = choice.context || choice.cluster || choice.user;
  if (named) throw noAccess(`there is no kubeconfig that could have "${named}", only the ServiceAccount of this pod`);
  return actingAs(inClusterAccess({ clock }), choice.as);
}

/** Returns access through one kubeconfig file, with its current-context. */
export function kubeconfigAccess(clock: Clock, path: string): Promise<ClusterAccess> {
  return findAccess(clock, { kubeconfig: path });
}

function filesOf({ kubeconfig }: AccessChoice): Files {
  if (kubeconfig) return { paths: [kubeconfig], from: '--kubeconfig' };
  const paths = (process.env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  if (paths.length > 0) return { paths, from: 'KUBECONFIG' };
  return { paths: [join(process.env.HOME || homedir(), '.kube', 'config')], from: 'default' };
}

async function accessOf(paths: readonly string[], choice: AccessChoice): Promise<ClusterAccess> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const configs = paths.map((path) => {
    const config = new KubeConfig();
    try {
      // One that was made and never filled says nothing, as with kubectl; client-node refuses it.
      if (readFileSync(path, 'utf8').trim() !== '') config.loadFromFile(path);
    } catch (cause) {
      throw noAccess(`kubeconfig ${path}: ${cause instanceof Error ? cause.message : cause}`, cause);
    }
    return config;
  });
  const merged = merge(configs);
  const { cluster, user, namespace } = chosen(merged, choice, paths.join(delimiter));
  const config = new KubeConfig();
  config.loadFromClusterAndUser(cluster, choice.as ? { ...user, impersonateUser: choice.as } : user);
  return new KubeconfigAccess(config, cluster.server, namespace);
}

type Merged = Pick<KubeConfig, 'clusters' | 'users' | 'contexts'> & { readonly currentContext: string | undefined };

/** What several files say together: of two entries with one name the first counts, as with kubectl. */
function merge(configs: readonly KubeConfig[]): Merged {
  return {
    clusters: configs.flatMap(({ clusters }) => clusters ?? []),
    users: configs.flatMap(({ users }) => users ?? []),
    contexts: configs.flatMap(({ contexts }) => contexts ?? []),
    currentContext: configs.map((config) => config.getCurrentContext()).find((name) => name),
  };
}

function chosen({ clusters, users, contexts, currentContext }: Merged, choice: AccessChoice, where: string) {
  const named = (kind: string, name: string, all: readonly { readonly name: string }[]) =>
    noAccess(
      `kubeconfig ${where}: there is no ${kind} "${name}", only ${all.map((one) => one.name).join(', ') || 'none'}`,
    );
  const contextName = choice.context || currentContext;
  const context = contexts.find(({ name }) => name === contextName);
  if (contextName && !context) throw named('context', contextName, contexts);
  const clusterName = choice.cluster || context?.cluster;
  if (!clusterName) throw noAccess(`kubeconfig ${where}: it has no current-context; name one by --context`);
  const cluster = clusters.find(({ name }) => name === clusterName);
  if (!cluster) throw named('cluster', clusterName, clusters);
  if (!/^https?:$/.test(protocolOf(cluster.server))) {
    throw noAccess(
      `kubeconfig ${where}: server "${cluster.server}" of cluster "${cluster.name}" begins with no https://`,
    );
  }
  const userName = choice.user || context?.user;
  const user = userName ? users.find(({ name }) => name === userName) : ANONYMOUS;
  if (!user) throw named('user', userName ?? '', users);
  return { cluster, user, namespace: context?.namespace };
}

function protocolOf(server: string): string {
  return URL.canParse(server) ? new URL(server).protocol : '';
}

/** client-node leaves out the certificate authority where there is no user. */
const ANONYMOUS: User = { name: 'anonymous' };

function actingAs(access: ClusterAccess, user: string | undefined): ClusterAccess {
  if (!user) return access;
  return {
    server: access.server,
    namespace: access.namespace,
    credentials: async () => {
      const { headers, ...rest } = await access.credentials();
      return { ...rest, headers: { ...headers, 'Impersonate-User': user } };
    },
    invalidate: () => access.invalidate(),
  };
}

function noAccess(message: string, cause?: unknown): KubeError {
  return new KubeError('no-access', message, { cause });
}

class KubeconfigAccess implements ClusterAccess {
  readonly server: string;
  readonly namespace: string | undefined;
  readonly #config: KubeConfig;

  constructor(config: KubeConfig, server: string, namespace: string | undefined) {
    this.server = server.replace(/\/+$/, '');
    this.namespace = namespace;
    this.#config = config;
  }

  async credentials(): Promise<Credentials> {
    const options: RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value);
    if (options.auth) headers.Authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    const isProxied = this.#config.getCurrentCluster()?.proxyUrl !== undefined;
    const { agent } = options;
    return { headers, tls: tlsOf(options), ...(isProxied && typeof agent === 'object' ? { proxyAgent: agent } : {}) };
  }

  invalidate(): void {
    // client-node's authenticators watch the end of what they cached themselves and offer no way to drop it earlier.
  }
}

function tlsOf(options: RequestOptions): TlsMaterial {
  const material: Record<string, unknown> = {};
  for (const field of ['ca', 'cert', 'key', 'servername', 'rejectUnauthorized'] as const) {
    if (options[field] !== undefined) material[field] = options[field];
  }
  return material;
}
