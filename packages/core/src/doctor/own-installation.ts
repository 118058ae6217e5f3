// SPDX-License-Identifier: Apache-2.0
/** Whether Berth is there, in one version, with its ports to itself. */

import type { ClusterFacts } from '../report/cluster-facts.ts';
import { LEADER_LEASE } from '../report/cluster-report.ts';
import { type Finding, findingOf } from './finding.ts';
import type { DoctorObjects, KubePod, KubePort, KubeWorkload } from './objects.ts';
import { containersOf } from './workload.ts';

/** What installs it, in a copy of the repository. */
export const INSTALL_COMMAND = 'kubectl apply -k manifests/';

/** Label that the manifests and the chart put on both parts. */
const COMPONENT_LABEL = 'app.kubernetes.io/component';

/** Of the speaker, on the addresses of its node; the defaults where none is installed. */
const DEFAULT_PORTS: readonly KubePort[] = [
  { name: 'metrics', containerPort: 7481 },
  { name: 'heartbeats', containerPort: 7482, protocol: 'UDP' },
];

/** What to set where a port is taken. */
const PORT_OPTIONS: Readonly<Record<string, string>> = {
  metrics: 'METRICS_ADDRESS=:17481',
  heartbeats: 'HEARTBEAT_PORT=17482',
};

/** The DaemonSet of the speakers, undefined: there is none. */
export function ownSpeaker(
  { daemonSets }: Pick<DoctorObjects, 'daemonSets'>,
  namespace: string,
): KubeWorkload | undefined {
  return daemonSets.find((one) => isOwn(one, namespace, 'speaker'));
}

/** The Deployment of the controller, undefined: there is none. */
export function ownController(
  { deployments }: Pick<DoctorObjects, 'deployments'>,
  namespace: string,
): KubeWorkload | undefined {
  return deployments.find((one) => isOwn(one, namespace, 'controller'));
}

/** What its own Leases tell, and in which namespace they are. */
export interface HeardOf extends Pick<ClusterFacts, 'reports'> {
  readonly objects: Pick<ClusterFacts['objects'], 'berthNamespace' | 'leases'>;
}

/** Whether any part of it is there, or is heard of. */
export function isInstalled(
  { objects: { berthNamespace, leases }, reports }: HeardOf,
  objects: Pick<DoctorObjects, 'daemonSets' | 'deployments'>,
): boolean {
  const isHeard = reports.length > 0 || leases.some(({ metadata }) => metadata.name === LEADER_LEASE);
  return (
    isHeard || ownSpeaker(objects, berthNamespace) !== undefined || ownController(objects, berthNamespace) !== undefined
  );
}

export function ownFindings(facts: ClusterFacts, objects: DoctorObjects): Finding[] {
  const { berthNamespace } = facts.objects;
  const missing = isInstalled(facts, objects)
    ? []
    : [
        findingOf({
          ...{ kind: 'not-installed', severity: 'info', page: 'docs/install/README.md' },
          text: `Berth is not installed in namespace ${berthNamespace}`,
          command: INSTALL_COMMAND,
        }),
      ];
  return [...missing, ...takenPorts(objects, berthNamespace), ...skew(objects, berthNamespace), ...unread(objects)];
}

function isOwn({ metadata }: KubeWorkload | KubePod, namespace: string, component: string): boolean {
  return metadata.namespace === namespace && metadata.labels?.[COMPONENT_LABEL] === component;
}

/**
 * Pods that say that they listen on the node where the speaker wants to. What says nothing of its ports is not seen.
 */
function takenPorts(objects: DoctorObjects, namespace: string): Finding[] {
  const speaker = ownSpeaker(objects, namespace);
  const declared = speaker === undefined ? [] : containersOf(speaker).flatMap(({ ports = [] }) => ports);
  const wanted = declared.length === 0 ? DEFAULT_PORTS : declared;
  return objects.pods
    .filter((pod) => !isOwn(pod, namespace, 'speaker'))
    .flatMap((pod) => {
      const taken = wanted.filter((port) => nodePortsOf(pod).some((one) => isSamePort(one, port)));
      return taken.map((port) => portFinding(pod, port, namespace));
    });
}

function nodePortsOf({ spec }: KubePod): readonly KubePort[] {
  const ports = (spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  if (spec?.hostNetwork === true) return ports;
  return ports.flatMap((port) => (port.hostPort === undefined ? [] : [{ ...port, containerPort: port.hostPort }]));
}

function isSamePort(one: KubePort, other: KubePort): boolean {
  return one.containerPort === other.containerPort && (one.protocol ?? 'TCP') === (other.protocol ?? 'TCP');
}

function portFinding({ metadata, spec }: KubePod, port: KubePort, namespace: string): Finding {
  const { containerPort, protocol = 'TCP', name = '' } = port;
  const node = spec?.nodeName;
  const where = node === undefined ? 'nodes' : `node ${node}`;
  const option = PORT_OPTIONS[name];
  return findingOf({
    ...{
      kind: 'port-taken',
      severity: 'warning',
      about: [`${metadata.namespace}/${metadata.name}`, `${containerPort}`],
    },
    text: `pod ${metadata.namespace}/${metadata.name} listens on ${protocol} port ${containerPort} of ${where}, which is the speaker's`,
    nodes: node === undefined ? [] : [node],
    command: option && `kubectl -n ${namespace} set env daemonset/speaker ${option}`,
    page: 'docs/reference/options.md',
  });
}

function skew({ pods }: DoctorObjects, namespace: string): Finding[] {
  const own = pods.filter((pod) => isOwn(pod, namespace, 'speaker') || isOwn(pod, namespace, 'controller'));
  const images = [...new Set(own.flatMap(({ spec }) => spec?.containers?.[0]?.image ?? []))].sort();
  if (images.length < 2) return [];
  return [
    findingOf({
      ...{ kind: 'version-skew', severity: 'warning', page: 'docs/runbooks/BerthVersionSkew.md' },
      text: `the pods of Berth run ${images.length} images: ${images.join(', ')}`,
      command: `kubectl -n ${namespace} rollout status daemonset/speaker`,
    }),
  ];
}

function unread({ unread: kinds }: DoctorObjects): Finding[] {
  if (kinds.length === 0) return [];
  return [
    findingOf({
      ...{ kind: 'not-looked-at', severity: 'info' },
      text: `you may not read everything: ${kinds.join(', ')}`,
      command: 'kubectl auth can-i --list',
    }),
  ];
}
