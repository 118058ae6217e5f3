// SPDX-License-Identifier: Apache-2.0
/** Puts together what lets every node serve, with the real tables and this node's connection tracking. */
import type { Node } from '@berth/kube';
import { Inquiry, readConntrack, SpreadTable, sourceFor, TrialPort } from '@berth/link';
import { errorFields } from '@berth/runtime';
import type { Cluster } from '../cluster/cluster.ts';
import type { WantedVip } from '../cluster/wanted-vips.ts';
import type { ProcessParts } from '../config.ts';
import type { Lan } from '../layer2/lan.ts';
import type { Segment } from '../layer2/segments.ts';
import type { Memberships } from '../membership/memberships.ts';
import { foreignDataPlane } from './foreign-data-plane.ts';
import { type NodeQuestions, SegmentNodeQuestions } from './node-questions.ts';
import { Spreading } from './spreading.ts';

export interface SpreadingParts extends ProcessParts {
  readonly cluster: Pick<Cluster, 'credentials' | 'watches'>;
  readonly memberships: Pick<Memberships, 'loops' | 'fitness' | 'become'>;
  readonly lan: Pick<Lan, 'links'>;
  wanted(): readonly WantedVip[];
  onNews(): void;
}

/** Nothing is loaded before a VIP asks for it or moves. */
export function openSpreading(parts: SpreadingParts): Spreading {
  const { config, log, clock, cluster, memberships, lan, wanted, onNews } = parts;
  const { credentials, watches } = cluster;
  return new Spreading({
    ...{ clock, log, wanted, onNews, readConntrack },
    keeperSocket: config.keeperSocket,
    openTable: () => SpreadTable.load(),
    clusterId: () => credentials.clusterId,
    segments: () => memberships.loops,
    openNodeQuestions: (segment, onAnswer) => openNodeQuestions(parts, segment, onAnswer),
    openTrialFrames: ({ ifindex, ifname, mac }, onHeard) =>
      new TrialPort({
        ...{ ifindex, mac, onHeard },
        onFailed: (error) => log.debug('planned moves: trial frames', { interface: ifname, ...errorFields(error) }),
      }),
    serviceOf: (key) => watches.services.get(key),
    ownAddresses: () => ['127.0.0.1', ...addressesOf(watches.nodes.get(config.nodeName))],
    isFit: () => memberships.fitness === 'fit',
    handOver: () => memberships.become('unfit'),
    plainMoves: () => {
      if (config.plannedMoves === 'plain') return { why: 'option', code: '' };
      const plugin = foreignDataPlane(lan.links.list().map(({ name }) => name));
      return plugin === undefined ? undefined : { why: 'data-plane', code: plugin };
    },
  });
}

function addressesOf(node: Node | undefined): string[] {
  return (node?.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
}

function openNodeQuestions(
  { log, clock, lan, cluster }: SpreadingParts,
  { ifindex, ifname, mac }: Segment,
  onAnswer: (id: number) => void,
): NodeQuestions {
  const addressesHere = () => lan.links.list().find(({ index }) => index === ifindex)?.addresses ?? [];
  const inquiry: Inquiry = new Inquiry({
    ...{ ifindex, mac, clock },
    from: (target) => sourceFor(addressesHere(), target),
    onAnswer: (_address, station) => questions.heard(station),
    // At debug, as it may be many times a second; who cannot ask takes out a node that is not heard.
    onFailed: (error) =>
      log.debug('every node serves: a node cannot be asked', { interface: ifname, ...errorFields(error) }),
  });
  const questions = new SegmentNodeQuestions({ inquiry, onAnswer, nodes: () => cluster.watches.nodes.values() });
  return questions;
}
