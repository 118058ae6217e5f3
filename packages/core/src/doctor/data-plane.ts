// SPDX-License-Identifier: Apache-2.0
/** What carries the traffic of a VIP on a node, where it needs to be known or set. */
import { isObject } from '../config/is-object.ts';
import { readYaml } from '../config/yaml-documents.ts';
import { type Finding, findingOf } from './finding.ts';
import type { DoctorObjects, KubeForeign } from './objects.ts';
import { CILIUM_MAP, containersOf, envOf, systemData } from './workload.ts';

const PAGE = 'docs/install/networks.md';

export function dataPlane(objects: DoctorObjects): Finding[] {
  return [...ipvs(objects), ...cilium(objects), ...calico(objects)];
}

function ipvs(objects: DoctorObjects): Finding[] {
  const text = systemData(objects, 'kube-proxy')['config.conf'];
  const [document] = text === undefined ? [] : readYaml(text).documents;
  const config = document?.value;
  if (!isObject(config) || config.mode !== 'ipvs') return [];
  if (isObject(config.ipvs) && config.ipvs.strictARP === true) return [];
  return [
    findingOf({
      ...{ kind: 'ipvs-answers', severity: 'info', page: PAGE },
      text: 'kube-proxy runs in IPVS mode without strictARP',
      command:
        "kubectl -n kube-system get configmap kube-proxy -o yaml | sed 's/strictARP: false/strictARP: true/' | kubectl apply -f - && kubectl -n kube-system rollout restart daemonset/kube-proxy",
    }),
  ];
}

function cilium(objects: DoctorObjects): Finding[] {
  const data = systemData(objects, CILIUM_MAP);
  const replacement = data['kube-proxy-replacement'];
  return [
    ...(replacement === 'true' || replacement === 'strict'
      ? [bpf('cilium', 'Cilium stands in for kube-proxy', 'kubectl -n kube-system exec ds/cilium -- cilium-dbg status')]
      : []),
    ...(data['enable-host-firewall'] === 'true'
      ? [
          findingOf({
            ...{ kind: 'host-firewall', severity: 'info', page: PAGE },
            text: "Cilium's host firewall is on: UDP port 7482 must pass between the nodes",
            command: 'kubectl berth status',
          }),
        ]
      : []),
  ];
}

function calico({ daemonSets, felixConfigurations, bgpConfigurations }: DoctorObjects): Finding[] {
  const node = daemonSets.find(({ metadata }) => metadata.name === 'calico-node');
  const isSet = felixConfigurations.some(({ spec }) => spec?.bpfEnabled === true);
  const isInEnv = node !== undefined && containersOf(node).some((one) => envOf(one, 'FELIX_BPFENABLED') === 'true');
  const advertising = bgpConfigurations.find(advertises);
  return [
    ...(isSet || isInEnv
      ? [bpf('calico', "Calico's eBPF data plane is on", 'kubectl get felixconfigurations default -o yaml')]
      : []),
    ...(advertising === undefined
      ? []
      : [
          findingOf({
            ...{ kind: 'bgp-advertises', severity: 'warning', page: PAGE },
            text: `Calico advertises addresses of Services by BGP: BGPConfiguration ${advertising.metadata.name}`,
            command: `kubectl patch bgpconfigurations ${advertising.metadata.name} --type merge -p '{"spec":{"serviceLoadBalancerIPs":[]}}'`,
          }),
        ]),
  ];
}

function bpf(about: string, text: string, command: string): Finding {
  return findingOf({ kind: 'bpf-data-plane', severity: 'info', about: [about], text, command, page: PAGE });
}

function advertises({ spec }: KubeForeign): boolean {
  const ranges = spec?.serviceLoadBalancerIPs;
  return Array.isArray(ranges) && ranges.length > 0;
}
