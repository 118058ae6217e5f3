// SPDX-License-Identifier: Apache-2.0

/**
 * Access through a kubeconfig, with everything that client-node's KubeConfig understands: tokens, certificates, exec
 * plug-ins, OIDC, proxies. client-node is imported only here and only when it is needed, because its generated models
 * cost about 30 MB of resident memory: see docs/design/0002-kube-client.md.
 */

import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { ClusterAccess, Credentials, TlsMaterial } from './access.ts';
import { inClusterAccess, isInCluster } from './in-cluster.ts';

/** Returns access through the kubeconfig file at `path`, or through KUBECONFIG or ~/.kube/config without one. */
export async function kubeconfigAccess(path?: string): Promise<ClusterAccess> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (path === undefined) config.loadFromDefault();
  else config.loadFromFile(path);
  return new KubeconfigAccess(config);
}

/** Returns access the way kubectl finds it: the given kubeconfig, else the pod's ServiceAccount, else the default kubeconfig. */
export async function findAccess(kubeconfig?: string): Promise<ClusterAccess> {
  if (kubeconfig !== undefined && kubeconfig !== '') return kubeconfigAccess(kubeconfig);
  return isInCluster() ? inClusterAccess() : kubeconfigAccess();
}

class KubeconfigAccess implements ClusterAccess {
  readonly server: string;
  readonly namespace: string | undefined;
  readonly #config: KubeConfig;

  constructor(config: KubeConfig) {
    const cluster = config.getCurrentCluster();
    if (!cluster) throw new Error('kubeconfig: current-context names no cluster');
    this.server = cluster.server.replace(/\/+$/, '');
    this.namespace = config.getContextObject(config.getCurrentContext())?.namespace;
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
