// SPDX-License-Identifier: Apache-2.0

/**
 * How to reach and to convince an API server: the port between the HTTP transport and the two sources of credentials.
 */

import type { Agent } from 'node:http';

/** What TLS needs; every field as node:tls names it. */
export interface TlsMaterial {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  /** false only when the kubeconfig says insecure-skip-tls-verify. */
  readonly rejectUnauthorized?: boolean;
}

/** What one request carries. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
  /** Set when the kubeconfig names a proxy: then this agent makes the connections. */
  readonly proxyAgent?: Agent;
}

/** Where the API server is and who we are. */
export interface ClusterAccess {
  /** Base URL without a slash at its end. */
  readonly server: string;
  /** Namespace of the pod or of the kubeconfig's context. */
  readonly namespace: string | undefined;
  /** Returns the credentials for the next request; cheap, called for every one. */
  credentials(): Promise<Credentials>;
  /** Tells that the server did not accept the last credentials (401): they are read anew. */
  invalidate(): void;
}
