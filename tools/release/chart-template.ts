// SPDX-License-Identifier: Apache-2.0

// An object of manifests/ as the chart has it: what values decide is marked.

import { commonLabels, isNamespaced, type KubernetesObject, type Kustomization } from './base.ts';
import { mark } from './chart-expressions.ts';
import { type Component, type Container, HEALTH_PORTS, type PodSpec, type Workload } from './chart-values.ts';

/** The object with marks in the place of what values decide; see chart-expressions.ts. */
export function templateOf(object: KubernetesObject, kustomization: Kustomization): KubernetesObject {
  const copy = structuredClone(object) as KubernetesObject & { subjects?: { namespace?: string }[] };
  if (isNamespaced(copy)) copy.metadata.namespace = '{{ .Release.Namespace }}';
  copy.metadata.labels = {
    ...copy.metadata.labels,
    ...commonLabels(kustomization),
    [mark('include', 'berth.labels')]: '',
  };
  for (const subject of copy.subjects ?? []) subject.namespace = '{{ .Release.Namespace }}';
  if (copy.kind === 'Deployment' || copy.kind === 'DaemonSet')
    return workloadTemplate(copy as Workload, copy.metadata.name as Component);
  if (copy.kind === 'NetworkPolicy') addHealthRule(copy);
  if (copy.kind === 'PodMonitor') addScrapeAuth(copy);
  return copy;
}

function addHealthRule(policy: KubernetesObject): void {
  const { spec } = policy as unknown as { spec: { ingress: { ports: unknown[] }[] } };
  spec.ingress[0]?.ports.push(mark('entry', 'berth.healthRule'));
}

function addScrapeAuth(monitor: KubernetesObject): void {
  const { spec } = monitor as unknown as { spec: { podMetricsEndpoints: Record<string, unknown>[] } };
  for (const endpoint of spec.podMetricsEndpoints) endpoint[mark('include', 'berth.scrapeAuth')] = '';
}

function workloadTemplate(workload: Workload, component: Component): Workload {
  const value = (name: string) => `.Values.${component}.${name}`;
  const { spec } = workload;
  if (workload.kind === 'Deployment') spec.replicas = mark('value', value('replicas')) as never;
  else spec.updateStrategy = mark('block', value('updateStrategy'));
  const { metadata, spec: pod } = spec.template;
  metadata.labels = { ...metadata.labels, [mark('more', value('podLabels'))]: '' };
  metadata.annotations = {
    ...metadata.annotations,
    'prometheus.io/port': mark('value', `${value('metricsPort')} | quote`),
    [mark('include', 'berth.scrapeAnnotations')]: '',
    [mark('more', value('podAnnotations'))]: '',
  };
  pod.imagePullSecrets = mark('with', '.Values.imagePullSecrets');
  pod.priorityClassName = mark('value', value('priorityClassName'));
  pod.nodeSelector = mark('with', value('nodeSelector'));
  pod.tolerations = mark('with', value('tolerations'));
  pod.affinity = mark('with', value('affinity'));
  for (const container of pod.containers) {
    container.image = mark('value', 'include "berth.image" . | quote');
    container.imagePullPolicy = mark('value', '.Values.image.pullPolicy');
    // What else is in the pod has nothing to choose.
    if (container.name !== component) continue;
    const initialPort = container.ports[0]?.containerPort;
    container.args.push(mark('options', `${component} ${initialPort}`));
    container.resources = mark('block', value('resources'));
    for (const port of container.ports)
      if (port.name === 'metrics') port.containerPort = mark('value', value('metricsPort')) as never;
    addMetricsAuth(container, component);
  }
  addCertificate(pod);
  return workload;
}

/** What manifests/metrics-auth/ patches, where the value asks for it. */
function addMetricsAuth(container: Container, component: Component): void {
  container.ports.push(mark('entry', `berth.healthPort ${component}`) as never);
  container.env.push(mark('entry', `berth.metricsAuth ${component} ${HEALTH_PORTS[component]}`));
  for (const probe of [container.livenessProbe, container.readinessProbe])
    if (probe) probe.httpGet.port = mark('value', 'include "berth.probePort" .');
  if (container.volumeMounts) container.volumeMounts.push(mark('entry', 'berth.certificateMount'));
  else Object.assign(container, { [mark('include', 'berth.certificateMounts')]: '' });
}

function addCertificate(pod: PodSpec): void {
  if (pod.volumes) pod.volumes.push(mark('entry', 'berth.certificateVolume'));
  else Object.assign(pod, { [mark('include', 'berth.certificateVolumes')]: '' });
}
