// SPDX-License-Identifier: Apache-2.0
/** The speaker's process: puts the parts together, starts them in order and stops them in reverse. */
import { loadBalancerClassRule } from '@berth/core';
import { HttpServer, type Log, openLog, Shutdown } from '@berth/daemon';
import { systemClock } from '@berth/kube';
import { AddressGuard } from './address-guard.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { readConfig, type SpeakerConfig } from './config.ts';
import { openKubeProxyWatch } from './kube-proxy-watch.ts';
import { type Lan, openLan } from './lan.ts';
import type { Memberships } from './memberships.ts';
import { Metrics } from './metrics.ts';
import { NodePublisher } from './node-publisher.ts';
import { openMemberships } from './open-memberships.ts';
import { Speaker } from './speaker.ts';
import { isInSubnet } from './subnets.ts';
import { tellServices } from './tell-services.ts';

const read = readConfig(process.argv.slice(2), process.env);
if (read.ok) await run(read.config);
else {
  for (const problem of read.problems) console.error(`speaker: ${problem}`);
  process.exitCode = 2;
}

async function run(config: SpeakerConfig): Promise<void> {
  const log = openLog(config.logLevel);
  const cluster = await openCluster(config, log, () => {
    speaker.clusterChanged();
    guard.changed();
    publisher.changed('soon');
  });
  const lan = openLan(config, log, {
    linksChanged: () => {
      speaker.linksChanged();
      guard.changed();
    },
    counters: () => metrics,
  });
  const { watches, endpoints, events, credentials } = cluster;
  const memberships = openMemberships({
    ...{ config, log, lan, cluster },
    onOwned: () => speaker.ownershipChanged(),
    onNew: () => speaker.mayAnswerMore(),
    onReport: (report) => publisher.reported(report),
  });
  const guard = new AddressGuard({
    ...{ config, log, cluster, lan, memberships },
    served: () => speaker.served,
    onCleared: () => speaker.mayAnswerMore(),
    onNews: () => publisher.changed('now'),
  });
  const { reachability } = guard;
  const parts = { config, log, cluster, lan, memberships, guard, reachability };
  const publisher = new NodePublisher({ ...parts, engine: lan.engine, speaker: () => speaker });
  const speaker = newSpeaker({ ...parts, publisher });
  const metrics = newMetrics({ ...parts, speaker, publisher });
  const server = new HttpServer({
    ...config.metricsAddress,
    isReady: () => speaker.isLive,
    whyNotReady: () => credentials.missing && `waiting for ${credentials.missing}`,
    metrics: () => metrics.text(),
    metricsType: metrics.contentType,
  });
  const kubeProxy = openKubeProxyWatch({
    url: config.kubeProxyHealth,
    log,
    onChange: (fitness) => memberships.become(fitness),
  });
  const { links, announcer, responder, wire } = lan;
  const closeResponder = { stop: () => responder.close() };
  // First of all VIPs are handed over, while everything still works.
  const leave = { stop: () => memberships.leave() };
  const inOrder = [
    server,
    watches,
    endpoints,
    credentials,
    events,
    links,
    closeResponder,
    announcer,
    publisher,
    guard,
    speaker,
    kubeProxy,
    leave,
  ];
  const shutdown = new Shutdown(log, inOrder);
  shutdown.install();

  await server.start();
  links.start();
  watches.start();
  credentials.start();
  await Promise.all([links.ready, watches.ready, credentials.ready]);
  await Promise.all([endpoints.ready, kubeProxy.start()]);
  if (shutdown.isStopping) return;
  speaker.start();
  guard.start();
  publisher.start();
  log.info('speaker takes part', { node: config.nodeName, interfaces: wire.segments.map(({ ifname }) => ifname) });
}

interface Parts {
  readonly config: SpeakerConfig;
  readonly cluster: Cluster;
  readonly lan: Lan;
  readonly memberships: Memberships;
}

interface SpeakerParts extends Omit<Parts, 'memberships'> {
  readonly log: Log;
  readonly guard: AddressGuard;
  readonly publisher: NodePublisher;
}

function newSpeaker({ config, log, cluster, lan, guard, publisher }: SpeakerParts): Speaker {
  const { watches, pools, refresh, events } = cluster;
  const tell = tellServices({
    ...{ log, events, services: watches.services, nodeName: config.nodeName },
    isInSubnet: (vip, interfaces) => isInSubnet(vip, interfaces, lan.links.list()),
  });
  return new Speaker({
    cluster: watches,
    segments: () => lan.segments(),
    pools,
    memberships: guard.firstUse,
    classRule: loadBalancerClassRule(config.loadBalancerClass),
    wire: lan.wire,
    audience: lan.audience,
    refresh: () => refresh.request(),
    clock: systemClock,
    onServed: (now, before) => {
      tell(now, before);
      publisher.changed('now');
    },
  });
}

interface MetricParts extends Parts {
  readonly speaker: Speaker;
  readonly guard: AddressGuard;
  readonly publisher: NodePublisher;
}

function newMetrics({ config, cluster, lan, memberships, speaker, guard, publisher }: MetricParts): Metrics {
  return new Metrics({
    nodeName: config.nodeName,
    served: () => speaker.served,
    vipCounters: () => lan.responder.vipCounters(),
    outcomes: () => lan.responder.outcomes(),
    segments: () => lan.wire.segments,
    engine: lan.engine,
    beats: memberships.beats,
    membership: {
      loops: () => memberships.loops,
      worstDelayMs: () => publisher.worstDelayMs,
      get transport() {
        return memberships.transport;
      },
      clock: systemClock,
    },
    conflicts: guard,
    pools: cluster.pools,
  });
}
