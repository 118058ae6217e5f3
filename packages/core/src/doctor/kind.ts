// SPDX-License-Identifier: Apache-2.0
/** What stands beside Berth or in its way; what is wrong with Berth itself are problems. */
export type SurroundingKind =
  | 'not-installed'
  | 'not-looked-at'
  | 'service-lb'
  | 'metallb'
  | 'kube-vip'
  | 'cilium-lb'
  | 'other-writer'
  | 'second-writer'
  | 'ipvs-answers'
  | 'bpf-data-plane'
  | 'host-firewall'
  | 'bgp-advertises'
  | 'no-bpf'
  | 'node-excluded'
  | 'no-node-left'
  | 'port-taken'
  | 'pool-far-from-nodes'
  | 'pool-holds-addresses'
  | 'pool-of-dhcp'
  | 'version-skew'
  | 'old-kubernetes';
