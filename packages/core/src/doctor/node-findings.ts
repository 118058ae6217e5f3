// SPDX-License-Identifier: Apache-2.0
/** What nodes are, as far as it decides who answers and how. */
import { EXCLUDE_LABEL, eligibilityOf } from '../placement/eligibility.ts';
import type { ClusterFacts } from '../report/cluster-facts.ts';
import { isLive } from '../report/node-report.ts';
import type { KubeNode } from '../report/objects.ts';
import { type Finding, findingOf } from './finding.ts';
import type { DoctorObjects } from './objects.ts';
import { ownSpeaker } from './own-installation.ts';
import { argumentOf, containersOf, envOf } from './workload.ts';

/** Kernels before this have no program of the kind that answers; [major, minor]. */
const FIRST_BPF_KERNEL = [5, 8] as const;
/** First version of Kubernetes that is supported. */
const FIRST_KUBERNETES = [1, 28] as const;

export function nodeFindings(facts: ClusterFacts, objects: DoctorObjects): Finding[] {
  return [...excluded(facts, objects), ...withoutBpf(facts), ...oldKubelets(facts)];
}

function excluded(facts: ClusterFacts, objects: DoctorObjects): Finding[] {
  const {
    nodes,
    objects: { berthNamespace },
  } = facts;
  if (isLabelIgnored(objects, berthNamespace)) return [];
  const all = [...nodes.values()];
  const isExcluded = (node: KubeNode) => {
    const eligibility = eligibilityOf(node);
    return eligibility.kind === 'ineligible' && eligibility.reason === 'excluded-by-label';
  };
  const names = all.filter(isExcluded).map(({ metadata }) => metadata.name);
  if (names.length > 0 && names.length === all.length)
    return [
      findingOf({
        ...{ kind: 'no-node-left', severity: 'critical', nodes: names, page: 'docs/install/kubeadm.md' },
        text: `every node has the label ${EXCLUDE_LABEL}`,
        command: `kubectl label node --all ${EXCLUDE_LABEL}-`,
      }),
    ];
  // A speaker that runs there tells it itself.
  const live = new Set(facts.reports.filter(isLive).map(({ node }) => node));
  const untold = names.filter((name) => !live.has(name));
  return untold.map((node) =>
    findingOf({
      ...{ kind: 'node-excluded', severity: 'info', about: [node], nodes: [node], page: 'docs/install/kubeadm.md' },
      text: `node ${node} has the label ${EXCLUDE_LABEL}`,
      command: `kubectl label node ${node} ${EXCLUDE_LABEL}-`,
    }),
  );
}

function isLabelIgnored(objects: DoctorObjects, namespace: string): boolean {
  const speaker = ownSpeaker(objects, namespace);
  const containers = speaker === undefined ? [] : containersOf(speaker);
  return containers.some((one) => (argumentOf(one, 'exclude-label') ?? envOf(one, 'EXCLUDE_LABEL')) === 'ignore');
}

/** By the word of the speaker where there is one, else by the version of the kernel. */
function withoutBpf({ nodes, reports }: ClusterFacts): Finding[] {
  const engines = new Map(reports.filter(isLive).map(({ node, state }) => [node, state.engine]));
  return [...nodes.values()].flatMap(({ metadata: { name }, status }) => {
    const { kernelVersion = '', operatingSystem = 'linux' } = status?.nodeInfo ?? {};
    if (operatingSystem !== 'linux') return [];
    const engine = engines.get(name);
    const isWithout = engine === undefined ? isBefore(kernelVersion, FIRST_BPF_KERNEL) : engine === 'packet-socket';
    if (!isWithout) return [];
    const kernel = kernelVersion === '' ? '' : ` (kernel ${kernelVersion})`;
    const text =
      engine === undefined
        ? `node ${name} has a kernel without the program that answers: ${kernelVersion}`
        : `node ${name} answers from a thread${kernel}`;
    return [
      findingOf({
        ...{ kind: 'no-bpf', severity: 'info', about: [name], nodes: [name], text, page: 'docs/compatibility.md' },
        command: `kubectl get node ${name} -o wide`,
      }),
    ];
  });
}

function oldKubelets({ nodes }: ClusterFacts): Finding[] {
  const old = [...nodes.values()].filter(({ status }) =>
    isBefore(status?.nodeInfo?.kubeletVersion ?? '', FIRST_KUBERNETES),
  );
  const [first] = old;
  if (first === undefined) return [];
  const names = old.map(({ metadata }) => metadata.name);
  return [
    findingOf({
      ...{ kind: 'old-kubernetes', severity: 'warning', nodes: names, page: 'docs/compatibility.md' },
      text: `node ${names[0]} runs Kubernetes ${first.status?.nodeInfo?.kubeletVersion}; 1.28 is the first that the chart takes`,
      command: 'kubectl get nodes',
    }),
  ];
}

/** Whether a version such as `v1.27.3+k3s1` or `5.4.0-150-generic` is older; what cannot be read is not. */
function isBefore(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, first, second] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (first === undefined || second === undefined) return false;
  return Number(first) < major || (Number(first) === major && Number(second) < minor);
}
