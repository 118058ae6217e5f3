// SPDX-License-Identifier: Apache-2.0

// Services with `serve: every-node`: what to ask for, who serves, and where the pods are.

import type { Lab } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';

export const SERVE_ANNOTATION = 'berth.dev/serve';
const SET_TIMEOUT_MS = 60_000;

export function annotated(object: object, annotations: Readonly<Record<string, string>>): object {
  const { metadata } = object as { readonly metadata: object };
  return { ...object, metadata: { ...metadata, annotations } };
}

/** Status, reason and message of `berth.dev/ServedBy`. */
export function servedBy(lab: Lab, service: string): Promise<string> {
  const one = '.status.conditions[?(@.type=="berth.dev/ServedBy")]';
  const path = `{${one}.status} {${one}.reason} {${one}.message}`;
  return lab.kubectl(['get', 'service', service, '-o', `jsonpath=${path}`]);
}

/** Waits until these nodes serve a Service, whoever else does. */
export async function servedByAll(lab: Lab, service: string, nodes: readonly string[]): Promise<void> {
  await waitUntil({
    what: `${service} to be served by all nodes`,
    timeoutMs: SET_TIMEOUT_MS,
    probe: async () => {
      const condition = await servedBy(lab, service);
      return condition.startsWith('True EveryNode') && nodes.every((node) => condition.includes(`${node} (`));
    },
    explain: () => servedBy(lab, service),
  });
}

/** All addresses of a Service. */
export async function addressesOf(lab: Lab, service: string): Promise<string[]> {
  const path = '{.status.loadBalancer.ingress[*].ip}';
  return (await lab.kubectl(['get', 'service', service, '-o', `jsonpath=${path}`])).split(' ');
}

/** Names of the web pods, or of those with another label, with their nodes; without pods that were asked to end. */
export async function webPods(lab: Lab, label = 'app=web'): Promise<Map<string, string>> {
  const path = '{range .items[*]}{.metadata.name} {.spec.nodeName} {.metadata.deletionTimestamp}{"\\n"}{end}';
  const rows = (await lab.kubectl(['get', 'pods', '-l', label, '-o', `jsonpath=${path}`])).split('\n');
  const pods = rows.map((row) => row.trim().split(' ')).filter(({ length }) => length === 2);
  return new Map(pods as [string, string][]);
}
