// SPDX-License-Identifier: Apache-2.0

// What manifests/ holds: the kustomization, and the objects of its files.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; namespace?: string; labels?: Record<string, string> };
  readonly [field: string]: unknown;
}

export interface Kustomization {
  readonly namespace: string;
  readonly resources: readonly string[];
  readonly labels: readonly { readonly pairs: Readonly<Record<string, string>> }[];
  readonly images: readonly { readonly name: string; readonly newName: string; readonly newTag: string }[];
}

const FOLDER = 'manifests';

/** What the component `monitoring` adds, for clusters with the Prometheus Operator. */
export const MONITORING_FILES = [
  'monitoring/pod-monitor.yaml',
  'monitoring/prometheus-rule.yaml',
  'monitoring/grafana-dashboard.yaml',
] as const;

/** What the component `metrics-auth` adds as objects; its patches are what the chart's helpers write. */
export const METRICS_AUTH_FILE = 'metrics-auth/rbac.yaml';

/** Kinds that live in no namespace. */
const CLUSTER_WIDE = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding']);

export function isNamespaced({ kind }: KubernetesObject): boolean {
  return !CLUSTER_WIDE.has(kind);
}

export async function readKustomization(): Promise<Kustomization> {
  return parse(await readFile(join(FOLDER, 'kustomization.yaml'), 'utf8')) as Kustomization;
}

/** The labels that the kustomization gives to every object. */
export function commonLabels({ labels }: Kustomization): Record<string, string> {
  return Object.assign({}, ...labels.map(({ pairs }) => pairs));
}

/** The objects of one file of the base, as they stand there. */
export async function readFileObjects(file: string): Promise<KubernetesObject[]> {
  const text = await readFile(join(FOLDER, file), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
}
