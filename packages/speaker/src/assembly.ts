// SPDX-License-Identifier: Apache-2.0
/** Puts the parts of the speaker together, each from those that came before it. Nothing is started. */
import { loadBalancerClassRule } from '@berth/core';
import { Signal } from '@berth/runtime';
import type { AnnouncementProtocol } from './announcement-protocol.ts';
import { type Cluster, openCluster } from './cluster/cluster.ts';
import { type KubeProxyWatch, openKubeProxyWatch } from './cluster/kube-proxy-watch.ts';
import type { ProcessParts } from './config.ts';
import { type AddressGuard, openAddressGuard } from './conflict/address-guard.ts';
import { forbiddenAddresses } from './layer2/forbidden-addresses.ts';
import { type Lan, openLan } from './layer2/lan.ts';
import { type Answering, openAnswering } from './layer2/open-answering.ts';
import { ServedVips } from './layer2/served-vips.ts';
import { isInSubnet } from './layer2/subnets.ts';
import { ServiceTeller } from './layer2/tell-services.ts';
import { Layer2Announcement } from './layer2-announcement.ts';
import type { Memberships } from './membership/memberships.ts';
import { openMemberships } from './membership/open-memberships.ts';
import { Metrics } from './metrics.ts';
import { NodePublisher } from './node-state/node-publisher.ts';
import { Speaker } from './speaker.ts';
import { openSpreading } from './spread/open-spreading.ts';
import type { Spreading } from './spread/spreading.ts';

export interface Assembly extends ProcessParts {
  readonly metrics: Metrics;
  readonly cluster: Cluster;
  readonly lan: Lan;
  readonly memberships: Memberships;
  readonly served: ServedVips;
  readonly teller: ServiceTeller;
  readonly guard: AddressGuard;
  readonly layer2: Layer2Announcement;
  readonly speaker: Speaker;
  readonly spreading: Spreading;
  /** What spreading says of this node has changed. */
  readonly spreadingNews: Signal;
  readonly answering: Answering;
  readonly publisher: NodePublisher;
  readonly kubeProxy: KubeProxyWatch;
}

export async function assemble(common: ProcessParts): Promise<Assembly> {
  const { config, log, clock } = common;
  const metrics = new Metrics();
  const cluster = await openCluster({ ...common, apiCalled: metrics.apiCalled });
  const lan = openLan({ ...common, pools: cluster.pools, counters: metrics });
  const { memberships, macs } = openMemberships({
    ...{ ...common, lan, cluster, measures: metrics.membership },
    mayOffer: (move) => spreading.mayOffer(move),
  });
  const served = new ServedVips();
  const teller = new ServiceTeller({
    ...{ log, clock, events: cluster.events, services: cluster.watches.services, nodeName: config.nodeName },
    isInSubnet: (vip, interfaces) => isInSubnet(vip, interfaces, lan.links.list()),
  });
  const guard = openAddressGuard({ ...common, cluster, lan, memberships, macs, served });
  const layer2 = new Layer2Announcement({
    ...{ clock, wire: lan.wire, audience: lan.audience, vips: served },
    segments: () => lan.segments(),
    memberships: guard.firstUse,
    leave: () => memberships.leave(),
  });
  const speaker = openSpeaker({ ...common, cluster, lan, guard, protocol: layer2 });
  const spreadingNews = new Signal();
  const onNews = () => spreadingNews.emit();
  const wanted = () => speaker.wanted;
  const spreading: Spreading = openSpreading({ ...common, lan, cluster, memberships, wanted, onNews });
  const answering = openAnswering({ ...common, cluster, lan, vips: () => speaker.wanted.map(({ vip }) => vip) });
  const publisher = new NodePublisher({
    ...{ ...common, cluster, lan, memberships, guard, served, speaker },
    ...{ spreading: spreading.facts, engine: lan.engine, reachability: guard.reachability },
    isLeaking: (ifindex) => answering.watch.isLeaking(ifindex),
  });
  const kubeProxy = openKubeProxyWatch({ url: config.kubeProxyHealth, clock, log });
  return {
    ...{ ...common, metrics, cluster, lan, memberships, served, teller, guard, layer2 },
    ...{ speaker, spreading, spreadingNews, answering, publisher, kubeProxy },
  };
}

interface SpeakerParts extends ProcessParts {
  readonly cluster: Cluster;
  readonly lan: Lan;
  readonly guard: AddressGuard;
  readonly protocol: AnnouncementProtocol;
}

function openSpeaker({ config, clock, cluster, lan, guard, protocol }: SpeakerParts): Speaker {
  const { watches, pools } = cluster;
  return new Speaker({
    ...{ cluster: watches, pools, protocol, clock },
    classRule: loadBalancerClassRule(config.loadBalancerClass),
    forbidden: () =>
      forbiddenAddresses({
        ...{ nodes: watches.nodes.values(), nodeName: config.nodeName },
        ...{ links: lan.links.list(), gateways: guard.gateways },
      }),
  });
}
