// SPDX-License-Identifier: Apache-2.0
/** Where each metric of the speaker is read. */
import type { Assembly } from './assembly.ts';
import { subnetTest } from './layer2/subnets.ts';
import type { MetricSources } from './metrics.ts';

export function metricSources(parts: Assembly): MetricSources {
  const { config, clock, cluster, lan, memberships, served, guard, publisher, answering, spreading } = parts;
  return {
    nodeName: config.nodeName,
    served: () => served.now,
    vipCounters: () => lan.responder.vipCounters(),
    outcomes: () => lan.responder.outcomes(),
    segments: () => lan.wire.segments,
    engine: lan.engine,
    beats: memberships.beats,
    membership: {
      loops: () => memberships.loops,
      worstDelayMs: () => publisher.worstDelayMs,
      notReachedOn: (ifname) => memberships.notReachedOn(ifname),
      get transport() {
        return memberships.transport;
      },
      clock,
    },
    conflicts: guard,
    answering: {
      segments: () => memberships.loops.map(({ segment }) => segment),
      answerOn: (segment) => lan.wire.answerOf(segment) ?? 'none',
      isLeaking: ({ ifindex }) => answering.watch.isLeaking(ifindex),
      get lacking() {
        return lan.wire.shortfall?.missing.length ?? 0;
      },
      news: () => answering.counts,
      outside: () => {
        const isInSubnet = subnetTest(lan.links.list());
        return served.now.filter(({ vip, interfaces }) => interfaces.length > 0 && !isInSubnet(vip, interfaces));
      },
    },
    spread: spreading.facts,
    pools: cluster.pools,
  };
}
