// SPDX-License-Identifier: Apache-2.0
/** The speaker's process: starts the parts in order and stops them in reverse. */
import { TokenGate } from '@berth/kube';
import { startWatchdog } from '@berth/link';
import {
  errorFields,
  type ObservationServer,
  observationServer,
  openLog,
  Shutdown,
  type Stoppable,
  systemClock,
} from '@berth/runtime';
import { type Assembly, assemble } from './assembly.ts';
import { knowCluster } from './cluster/remembered-start.ts';
import { readConfig, type SpeakerConfig } from './config.ts';
import { END_WITHIN_MS, HUNG_SECONDS } from './end-times.ts';
import type { Segment } from './layer2/segments.ts';
import { metricSources } from './metric-sources.ts';
import { connectNews } from './news.ts';
import { whyNotReady } from './node-state/readiness.ts';

/**
 * How long the start waits for EndpointSlices, in milliseconds, as it does for everything else that the API server
 * knows.
 */
const ENDPOINTS_MS = 3_000;

const read = readConfig(process.argv.slice(2), process.env);
if (read.ok) await run(read.config);
else {
  for (const problem of read.problems) console.error(`speaker: ${problem}`);
  process.exitCode = 2;
}

async function run(config: SpeakerConfig): Promise<void> {
  const log = openLog(config.logLevel, { format: config.logFormat });
  const parts = await assemble({ config, log, clock: systemClock });
  connectNews(parts);
  parts.metrics.readFrom(metricSources(parts));
  const server = openServer(parts);
  const shutdown = new Shutdown(log, inStopOrder(parts, server).reverse(), END_WITHIN_MS);
  shutdown.install();
  startWatchdog(HUNG_SECONDS);
  // Metrics and probes are for who watches; VIPs do not wait for them.
  server.listenPatiently((error) => log.error('metrics and probes are not served', errorFields(error)));
  const source = await learn(parts);
  if (!shutdown.isStopping) takePart(parts, source);
}

function openServer(parts: Assembly): ObservationServer {
  const { config, log, clock, metrics, cluster, lan, memberships, speaker } = parts;
  const gate = new TokenGate({
    ...{ api: cluster.api, clock, path: '/metrics', verb: 'get' },
    onUnheard: (error) => log.warn('tokens for the metrics cannot be looked at', errorFields(error)),
  });
  return observationServer({
    ...{ config, clock, log, name: 'berth-speaker' },
    admit: (token) => gate.admit(token),
    whyNotReady: () => {
      const { segments: attached, shortfall } = lan.wire;
      const facts = {
        ...{ waitsFor: cluster.credentials.missing, isLive: speaker.isLive },
        ...{ segments: lan.segments(), joined: memberships.loops, lacking: shortfall?.missing.length ?? 0 },
        isAttached: ({ ifindex }: Segment) => attached.some((one) => one.ifindex === ifindex),
      };
      return whyNotReady(facts, clock.now());
    },
    metrics: (accept) => metrics.page(accept),
  });
}

/** First of all VIPs are handed over, while everything still works; then this node ceases to answer, then to listen. */
function inStopOrder(parts: Assembly, server: ObservationServer): Stoppable[] {
  const { cluster, lan, guard, layer2, speaker, teller, spreading, answering, publisher, kubeProxy } = parts;
  const { watches, endpoints, events, credentials, stateFile } = cluster;
  const { links, defaultRoutes, announcer, responder } = lan;
  return [
    { stop: () => spreading.leave() },
    { stop: () => layer2.leave() },
    ...[spreading, kubeProxy, answering.watch, speaker, teller, guard, publisher],
    ...[announcer, { stop: () => responder.close() }, defaultRoutes, links],
    ...[events, credentials, endpoints, watches, ...(stateFile ? [stateFile] : []), server],
  ];
}

/** Begins to read what the cluster and the kernel know, and waits until that is enough to take part. */
async function learn({ config, log, clock, cluster, lan, guard, kubeProxy }: Assembly): Promise<'api' | 'file'> {
  lan.links.start();
  lan.defaultRoutes.start();
  cluster.watches.start();
  cluster.credentials.start();
  const known = knowCluster({
    ...{ ...cluster, file: cluster.stateFile },
    ...{ keyFolder: config.heartbeatFolder, clock, log },
  });
  const [source] = await Promise.all([known, lan.links.ready]);
  const slicesKnown = cluster.endpoints.readyWithin(ENDPOINTS_MS);
  const [slices] = await Promise.all([slicesKnown, kubeProxy.start(), guard.learn()]);
  if (slices === 'unknown')
    log.warn('endpoints are not known: Services with local endpoints wait', { afterMs: ENDPOINTS_MS });
  return source;
}

function takePart(parts: Assembly, source: 'api' | 'file'): void {
  const { config, log, cluster, lan, guard, speaker, spreading, answering, publisher } = parts;
  answering.watch.start();
  speaker.start();
  spreading.start();
  guard.start();
  publisher.start();
  cluster.stateFile?.start();
  const interfaces = lan.wire.segments.map(({ ifname }) => ifname);
  log.info('speaker takes part', { node: config.nodeName, source, interfaces });
}
