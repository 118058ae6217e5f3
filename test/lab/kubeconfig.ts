// SPDX-License-Identifier: Apache-2.0

// Who may talk to the lab's API server: static bearer tokens, one per program,
// with the same users and groups that a real installation gives them.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeAtomically } from './state.ts';

export interface Account {
  readonly user: string;
  readonly groups: readonly string[];
}

export interface KubeconfigInput {
  readonly server: string;
  /** PEM text. */
  readonly certificateAuthority: string;
  readonly token: string;
}

export const ADMIN = 'admin';

/** The accounts of a control plane with these nodes. Node names follow the Node authorizer's rule. */
export function accountsFor(nodes: readonly string[]): Account[] {
  return [
    { user: ADMIN, groups: ['system:masters'] },
    { user: 'system:kube-controller-manager', groups: [] },
    { user: 'system:kube-scheduler', groups: [] },
    { user: 'system:kube-proxy', groups: [] },
    { user: 'lab:coredns', groups: [] },
    ...nodes.map((node) => ({ user: `system:node:${node}`, groups: ['system:nodes'] })),
  ];
}

/** Writes the API server's token file unless it exists: tokens stay the same for the life of a lab. */
export async function ensureTokenFile(file: string, accounts: readonly Account[]): Promise<Map<string, string>> {
  const existing = await readFile(file, 'utf8').catch(() => undefined);
  if (existing !== undefined) return parseTokenFile(existing);
  const lines = accounts.map(({ user, groups }, number) => {
    const token = randomBytes(24).toString('base64url');
    return `${token},${user},${number},"${groups.join(',')}"\n`;
  });
  const text = lines.join('');
  await writeAtomically(file, text, 0o600);
  return parseTokenFile(text);
}

/** Tokens by user. */
export function parseTokenFile(text: string): Map<string, string> {
  const rows = text.split('\n').filter((line) => line !== '');
  return new Map(
    rows.map((row) => {
      const [token = '', user = ''] = row.split(',');
      return [user, token] as const;
    }),
  );
}

/** The text of a kubeconfig file with one cluster, one user and one context. */
export function formatKubeconfig({ server, certificateAuthority, token }: KubeconfigInput): string {
  return `apiVersion: v1
kind: Config
current-context: lab
clusters:
- name: lab
  cluster:
    server: ${server}
    certificate-authority-data: ${Buffer.from(certificateAuthority).toString('base64')}
users:
- name: lab
  user:
    token: ${token}
contexts:
- name: lab
  context:
    cluster: lab
    user: lab
`;
}
