// SPDX-License-Identifier: Apache-2.0
/** Who follows which news, and in which order. */
import type { Assembly } from './assembly.ts';

/** To be called once, before anything is started. */
export function connectNews(parts: Assembly): void {
  followCluster(parts);
  followLan(parts);
  followMemberships(parts);
  followGuard(parts);
  followServed(parts);
  followRefusals(parts);
  followSpreading(parts);
  parts.kubeProxy.changes.subscribe((fitness) => parts.memberships.become(fitness));
}

function followCluster({ cluster, speaker, guard, publisher }: Assembly): void {
  cluster.news.subscribe(() => {
    speaker.clusterChanged();
    guard.changed();
    publisher.changed('soon');
  });
}

function followLan({ lan, cluster, speaker, layer2, guard, answering, publisher }: Assembly): void {
  lan.linkNews.subscribe(() => {
    speaker.linksChanged();
    layer2.linksChanged();
    guard.changed();
  });
  // Over a cable that was pulled a watch says nothing and does not fail; heartbeats say who owns what meanwhile.
  layer2.segmentNews.subscribe(() => void cluster.refresh.request());
  answering.changes.subscribe(() => {
    layer2.attachmentsChanged();
    publisher.changed('now');
  });
}

function followMemberships({ memberships, layer2, spreading, publisher }: Assembly): void {
  memberships.news.ownership.subscribe(() => {
    layer2.ownershipChanged();
    spreading.changed();
  });
  memberships.news.additions.subscribe(() => layer2.mayAnswerMore());
  memberships.news.reports.subscribe((report, { ifname }) => {
    publisher.reported(report, ifname);
    if (report.kind === 'member-lost' && report.why === 'gone') spreading.left(report.bootId, ifname);
  });
  memberships.news.spread.subscribe((from, sections, segment) => spreading.heard(from, sections, segment));
}

function followGuard({ guard, layer2, speaker, publisher }: Assembly): void {
  guard.clearances.subscribe(() => layer2.mayAnswerMore());
  guard.gatewayNews.subscribe(() => speaker.clusterChanged());
  guard.news.subscribe(() => publisher.changed('now'));
}

function followServed({ served, teller, publisher }: Assembly): void {
  served.looks.subscribe((now) => {
    teller.follow(now);
    publisher.changed('now');
  });
}

function followRefusals({ log, speaker, publisher }: Assembly): void {
  speaker.refusals.subscribe((refused) => {
    for (const { service, vip, owner } of refused)
      log.warn('address of a node or gateway is not answered for', { service, vip: String(vip), owner });
    publisher.changed('now');
  });
}

function followSpreading({ clock, speaker, spreading, spreadingNews, memberships, publisher }: Assembly): void {
  const tellMemberships = () => memberships.keepConnections(spreading.facts.keepsConnections);
  spreadingNews.subscribe(() => {
    publisher.changed('soon');
    // Never at once: membership may be in the middle of a step.
    clock.after(0, tellMemberships);
  });
  speaker.looks.subscribe(() => {
    spreading.clusterChanged();
    tellMemberships();
  });
}
