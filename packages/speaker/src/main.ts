// SPDX-License-Identifier: Apache-2.0
/** The speaker's process: puts the parts together, starts them in order and stops them in reverse. */
import { loadBalancerClassRule } from '@berth/core';
import { ApiBudget, EventRecorder, findAccess, KubeClient, systemClock } from '@berth/kube';
import { Announcer, Links, Responder } from '@berth/link';
import { readConfig, type SpeakerConfig } from './config.ts';
import { Fence } from './fence.ts';
import { HttpServer } from './http-server.ts';
import { errorFields, openLog } from './log.ts';
import { Metrics } from './metrics.ts';
import { Ownership } from './ownership.ts';
import { PoolSource } from './pool-source.ts';
import { Refresh } from './refresh.ts';
import { fittingSegments } from './segments.ts';
import { Shutdown } from './shutdown.ts';
import { Speaker } from './speaker.ts';
import { tellServices } from './tell-services.ts';
import { Watches } from './watches.ts';
import { Wire } from './wire.ts';

const read = readConfig(process.argv.slice(2), process.env);
if (read.ok) await run(read.config);
else {
  for (const problem of read.problems) console.error(`speaker: ${problem}`);
  process.exitCode = 2;
}

async function run(config: SpeakerConfig): Promise<void> {
  const log = openLog(config.logLevel);
  const clock = systemClock;
  const api = new KubeClient({ access: await findAccess(config.kubeconfig), userAgent: 'berth-speaker' });
  const budget = new ApiBudget({ maxConcurrency: 2 });
  const events = new EventRecorder({ api, budget, component: 'berth-speaker', instance: config.nodeName });

  const responder = Responder.open();
  const links = new Links({
    onChange: () => speaker.linksChanged(),
    onError: (error) => log.error('interfaces cannot be read', errorFields(error)),
  });
  const nameOf = (ifindex: number) => links.list().find((link) => link.index === ifindex)?.name ?? String(ifindex);
  const announcer = new Announcer({
    sender: responder,
    clock,
    random: Math.random,
    schedule: { refreshMs: config.announceEverySeconds * 1000 },
    onSent: (vip, ifindex) => metrics.announced(String(vip), nameOf(ifindex)),
    onFailed: (vip, ifindex, error) => {
      metrics.announceFailed(nameOf(ifindex));
      log.warn('announcement not sent', { vip: String(vip), interface: nameOf(ifindex), ...errorFields(error) });
    },
  });
  const onAttachFailed = ({ ifname }: { ifname: string }, error: unknown) =>
    log.error('interface cannot be used', { interface: ifname, ...errorFields(error) });
  const wire = new Wire({ answerer: responder, announcer, onAttachFailed });
  const fence = new Fence({
    thread: responder,
    clock,
    fenceMs: config.fenceMs,
    renewEveryMs: config.renewEveryMs,
    onExpired: () => {
      log.warn('fence ran out: silent until the cluster was read again', { fenceMs: config.fenceMs });
      void speaker.fenceExpired();
    },
  });
  const watches = new Watches({
    api,
    clock,
    namespace: config.namespace,
    onChange: () => speaker.clusterChanged(),
    onError: (what, error, retryInMs) => log.warn('watch failed', { what, retryInMs, ...errorFields(error) }),
  });
  const pools = new PoolSource((problems) =>
    log.error('pool configuration refused, the last good one stays', { problems }),
  );
  const refresh = new Refresh({
    clock,
    relist: () => watches.relist(),
    onImpatient: () => log.warn('API server does not answer: going on with what is known'),
  });
  const speaker = new Speaker({
    cluster: watches,
    segments: () => fittingSegments(links.list(), 'IPv4', config.excludedInterfaces),
    pools,
    ownership: new Ownership(config.nodeName, { excludeLabel: config.excludeLabel }),
    classRule: loadBalancerClassRule(config.loadBalancerClass),
    wire,
    fence,
    refresh: () => refresh.request(),
    clock,
    onServed: tellServices({ log, events, services: watches.services, nodeName: config.nodeName }),
  });
  const metrics = new Metrics({
    nodeName: config.nodeName,
    served: () => speaker.served,
    vipCounters: () => responder.vipCounters(),
    outcomes: () => responder.outcomes(),
    segments: () => wire.segments,
    fence,
    pools,
  });
  const server = new HttpServer({
    ...config.metricsAddress,
    isReady: () => speaker.isLive,
    metrics: () => metrics.text(),
    metricsType: metrics.contentType,
  });

  const closeResponder = { stop: () => responder.close() };
  const shutdown = new Shutdown(log, [server, watches, events, links, closeResponder, announcer, speaker]);
  shutdown.install();
  await server.start();
  links.start();
  watches.start();
  await Promise.all([links.ready, watches.ready]);
  if (shutdown.isStopping) return;
  speaker.start();
  log.info('speaker answers', { node: config.nodeName, interfaces: wire.segments.map(({ ifname }) => ifname) });
}
