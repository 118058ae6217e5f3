// SPDX-License-Identifier: Apache-2.0
/** Other products that give Services their addresses, by what runs in the cluster. */
import type { ClusterFacts } from '../report/cluster-facts.ts';
import { type Finding, findingOf, servicesText } from './finding.ts';
import { isMetallbWanted, metallbOf, servesSameServices } from './metallb.ts';
import type { DoctorObjects, KubeContainer, KubeWorkload } from './objects.ts';
import {
  argumentOf,
  CILIUM_MAP,
  containerOfImage,
  containersOf,
  envOf,
  isWanted,
  podContainerOfImage,
  systemData,
} from './workload.ts';

/** Label of the DaemonSets of k3s' ServiceLB, one for each Service. */
const SERVICE_LB_LABEL = 'svccontroller.k3s.cattle.io/svcname';

export function otherLoadBalancers(facts: ClusterFacts, objects: DoctorObjects): Finding[] {
  return [...metallb(facts, objects), ...serviceLb(objects), ...kubeVip(objects), ...cilium(objects)];
}

function metallb({ objects: { loadBalancerClass } }: ClusterFacts, objects: DoctorObjects): Finding[] {
  const found = metallbOf(objects);
  if (found === undefined || !isMetallbWanted(found)) return [];
  const { namespace } = found;
  if (!servesSameServices(found, loadBalancerClass)) {
    const classText = found.loadBalancerClass === '' ? 'without a class' : `of the class ${found.loadBalancerClass}`;
    const text = `MetalLB in ${namespace} serves the Services ${classText}, Berth those of ${loadBalancerClass}`;
    return [findingOf({ kind: 'metallb', severity: 'info', about: [namespace], text, page: 'docs/moving/metallb.md' })];
  }
  return [
    findingOf({
      ...{ kind: 'metallb', severity: 'warning', about: [namespace], page: 'docs/moving/metallb.md' },
      text: `MetalLB runs in namespace ${namespace} and serves the same Services`,
      command: 'kubectl berth migrate metallb',
    }),
  ];
}

function serviceLb({ daemonSets }: DoctorObjects): Finding[] {
  const sets = daemonSets.filter(({ metadata }) => metadata.labels?.[SERVICE_LB_LABEL] !== undefined);
  if (sets.length === 0) return [];
  const names = sets.map(({ metadata }) => metadata.labels?.[SERVICE_LB_LABEL] ?? '').sort();
  return [
    findingOf({
      ...{ kind: 'service-lb', severity: 'warning', page: 'docs/install/k3s.md' },
      text: `ServiceLB of k3s is on and serves ${servicesText(sets.length)}, ${names[0]} first`,
      // On every server of the cluster.
      command:
        "mkdir -p /etc/rancher/k3s/config.yaml.d && echo 'disable+: [servicelb]' > /etc/rancher/k3s/config.yaml.d/servicelb.yaml && systemctl restart k3s",
    }),
  ];
}

function kubeVip({ daemonSets, deployments, pods }: DoctorObjects): Finding[] {
  const image = 'kube-vip/kube-vip';
  const set = daemonSets.find((one) => isWanted(one) && isServing(containerOfImage(containersOf(one), image)));
  // A static pod has no owner, and one on each control-plane node.
  const pod = pods.find((one) => isServing(podContainerOfImage(one, image)));
  const provider = deployments.find(
    (one) => isWanted(one) && containerOfImage(containersOf(one), 'kube-vip/kube-vip-cloud-provider'),
  );
  if (set === undefined && pod === undefined && provider === undefined) return [];
  const about = { kind: 'kube-vip', severity: 'warning', page: 'docs/moving/kube-vip.md' } as const;
  if (set !== undefined)
    return [
      findingOf({
        ...{ ...about, text: `kube-vip serves Services: ${placeOf('DaemonSet', set)}` },
        command: `kubectl -n ${set.metadata.namespace} set env daemonset/${set.metadata.name} svc_enable=false`,
      }),
    ];
  if (pod !== undefined)
    return [
      findingOf({
        ...{ ...about, text: `kube-vip serves Services: static pod ${pod.metadata.namespace}/${pod.metadata.name}` },
        command: "sed -i '/name: svc_enable/{n;s/true/false/}' /etc/kubernetes/manifests/kube-vip.yaml",
        nodes: pod.spec?.nodeName === undefined ? [] : [pod.spec.nodeName],
      }),
    ];
  const { namespace, name } = provider?.metadata ?? {};
  return [
    findingOf({
      ...{ ...about, text: `the cloud provider of kube-vip gives addresses: Deployment ${namespace}/${name}` },
      command: `kubectl -n ${namespace} scale deployment ${name} --replicas=0`,
    }),
  ];
}

function isServing(container: KubeContainer | undefined): boolean {
  if (container === undefined) return false;
  return envOf(container, 'svc_enable') === 'true' || argumentOf(container, 'services') === 'true';
}

function placeOf(kind: string, { metadata }: KubeWorkload): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}

function cilium(objects: DoctorObjects): Finding[] {
  const about = { kind: 'cilium-lb', severity: 'warning', page: 'docs/install/networks.md' } as const;
  const [pool] = objects.ciliumPools;
  return [
    ...(systemData(objects, CILIUM_MAP)['enable-l2-announcements'] === 'true'
      ? [
          findingOf({
            ...{ ...about, about: ['announces'], text: 'Cilium announces addresses of Services (l2announcements)' },
            command: `kubectl -n kube-system patch configmap ${CILIUM_MAP} --type merge -p '{"data":{"enable-l2-announcements":"false"}}' && kubectl -n kube-system rollout restart daemonset/cilium`,
          }),
        ]
      : []),
    ...(pool === undefined
      ? []
      : [
          findingOf({
            ...{ ...about, about: ['gives'] },
            text: `Cilium gives addresses to Services: CiliumLoadBalancerIPPool ${pool.metadata.name}`,
            command: 'kubectl delete ciliumloadbalancerippools --all',
          }),
        ]),
  ];
}
