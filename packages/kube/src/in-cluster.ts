// SPDX-License-Identifier: Apache-2.0

/**
 * Access from inside a pod: the ServiceAccount's token and certificate authority as the kubelet mounts them.
 * The kubelet replaces the token file long before the token ends, so it is read again every minute, and at once after
 * a 401. This path does not load client-node at all: see docs/design/0002-kube-client.md.
 */

import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import type { Clock } from '@berth/runtime';
import type { ClusterAccess, Credentials } from './access.ts';

const SERVICE_ACCOUNT_ROOT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** How old a token that was read may be, in milliseconds; client-go's value. */
const TOKEN_AGE_MS = 60_000;

export interface InClusterOptions {
  /** Folder with token, ca.crt and namespace. @default the kubelet's mount */
  readonly root?: string;
  /** Base URL of the API server. @default from KUBERNETES_SERVICE_HOST and _PORT */
  readonly server?: string;
  readonly clock: Clock;
}

/** Returns whether this process runs in a pod that has a ServiceAccount. */
export function isInCluster(): boolean {
  return process.env.KUBERNETES_SERVICE_HOST !== undefined && process.env.KUBERNETES_SERVICE_PORT !== undefined;
}

/** Returns access with the ServiceAccount of the pod. Throws when the mounted files cannot be read. */
export function inClusterAccess(options: InClusterOptions): ClusterAccess {
  const root = options.root ?? SERVICE_ACCOUNT_ROOT;
  return new InClusterAccess({
    server: options.server ?? serverFromEnvironment(),
    ca: readFileSync(`${root}/ca.crt`),
    tokenFile: `${root}/token`,
    namespace: readFileSync(`${root}/namespace`, 'utf8').trim(),
    clock: options.clock,
  });
}

function serverFromEnvironment(): string {
  const host = process.env.KUBERNETES_SERVICE_HOST ?? '';
  return `https://${isIPv6(host) ? `[${host}]` : host}:${process.env.KUBERNETES_SERVICE_PORT ?? '443'}`;
}

interface InClusterInit {
  readonly server: string;
  readonly ca: Buffer;
  readonly tokenFile: string;
  readonly namespace: string;
  readonly clock: Clock;
}

class InClusterAccess implements ClusterAccess {
  readonly server: string;
  readonly namespace: string;
  readonly #init: InClusterInit;
  #current: { readonly credentials: Credentials; readonly readAt: number } | undefined;

  constructor(init: InClusterInit) {
    this.server = init.server;
    this.namespace = init.namespace;
    this.#init = init;
  }

  async credentials(): Promise<Credentials> {
    const now = this.#init.clock.now();
    if (this.#current && now - this.#current.readAt < TOKEN_AGE_MS) return this.#current.credentials;
    // Synchronous: a kilobyte of memory, and node:fs/promises takes 2 MB of it.
    const token = readFileSync(this.#init.tokenFile, 'utf8').trim();
    const credentials = { headers: { Authorization: `Bearer ${token}` }, tls: { ca: this.#init.ca } };
    this.#current = { credentials, readAt: now };
    return credentials;
  }

  invalidate(): void {
    this.#current = undefined;
  }
}
