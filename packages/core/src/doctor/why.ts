// SPDX-License-Identifier: Apache-2.0
/** Why a finding matters, a sentence for each kind. */
import type { ProblemKind } from '../report/model.ts';
import type { SurroundingKind } from './kind.ts';

const TWO_PRODUCTS =
  'two products would serve the same Services: both write their statuses, and two nodes may answer for one address';

export const WHY: Readonly<Record<SurroundingKind | ProblemKind, string>> = {
  'not-installed': 'no Service gets an address from Berth',
  'not-looked-at': 'what stands there was not judged; whoever may read it finds more',
  'service-lb':
    'ServiceLB gives every Service the addresses of the nodes, which Berth leaves alone and never announces',
  metallb: TWO_PRODUCTS,
  'kube-vip': TWO_PRODUCTS,
  'cilium-lb': TWO_PRODUCTS,
  'other-writer':
    'Berth leaves alone what others gave and does not announce it, until a pool has the address or it is adopted',
  'second-writer': 'two products write the same status in turn, and a Service may lose its address each time',
  'ipvs-answers':
    'the kernel of each node answers for every VIP while no speaker holds it back, as during an upgrade of Berth',
  'bpf-data-plane':
    'packets for a VIP pass its programs on the interface; Berth answers before them and leaves the rest',
  'host-firewall':
    'it drops frames of unknown kinds, so heartbeats go by UDP, and that port has to be open between the nodes',
  'bgp-advertises':
    'the same addresses are advertised by BGP as well, so routers send traffic past the node that answers',
  'no-bpf': 'a thread answers instead of the kernel: slower under load, and it cannot hold back answers of others',
  'node-excluded': 'the node may own no VIP, as the label says; kubeadm sets it on control-plane nodes',
  'no-node-left': 'every node is excluded, so no VIP would be answered by anybody',
  'port-taken': 'the speaker of that node cannot listen there',
  'pool-far-from-nodes':
    'hosts of the LAN ask for an address of another subnet at their router, which needs a route to it',
  'pool-holds-addresses': 'such addresses are never given, and the range is most likely not the one that was meant',
  'pool-of-dhcp':
    'a DHCP server may give the same addresses to other hosts; no node can see its range, and none is asked for it',
  'version-skew': 'two versions that follow each other understand each other, but an upgrade has not come to its end',
  'old-kubernetes': 'Berth is not tried on it, and the chart refuses it',
  'no-speaker': 'no one answers for any VIP',
  'no-leader': 'no Service gets an address, and no pool edit is read; what is answered goes on',
  'node-silent': 'its VIPs have moved if it is dead; if only the API server is cut off from it, it goes on',
  'node-unreadable': 'what the node does cannot be shown',
  'node-without-speaker': 'the node owns no VIP and takes over from no one',
  'node-ineligible': 'the node owns no VIP and takes over from no one',
  'node-unfit': 'packets that reach the node may not reach a pod',
  'one-way': 'both may take the other for dead',
  'heartbeats-lost': 'a failover waits for questions on the wire instead of heartbeats',
  'cut-off': 'its VIPs are out of reach from most of the segment',
  'node-not-reached': 'both may answer for the same VIPs',
  'heartbeats-late': 'VIPs move although no node died',
  'multicast-filtered': 'heartbeats go to each node alone, which costs more frames',
  'raw-frames-filtered': 'heartbeats go by UDP between node addresses, which proves less about the segment',
  'answer-degraded': 'questions for VIPs may be answered late, or by no one',
  'answers-for-others': 'two nodes answer for one VIP, and clients change between them',
  'keys-differ': 'nodes with different keys do not hear each other once the old one is dropped',
  conflict: 'clients reach somebody else under that address',
  unreachable: 'clients may get no answer or a wrong one',
  'not-announced': 'clients get no answer',
  'outside-subnet': 'hosts of the LAN need a route for it',
  'report-cut': 'not all VIPs of the node can be shown',
  'configuration-refused': 'edits of the pools have no effect until it is mended',
  'no-configuration': 'no Service gets an address from Berth, and Berth answers for none',
  'pool-full': 'further Services wait for an address',
  'pool-nearly-full': 'further Services will wait for an address soon',
  'no-address': 'clients from outside cannot reach it',
  quarantine: 'the address is given to no one',
  flapping: 'each move breaks connections',
};
