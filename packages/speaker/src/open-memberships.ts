// SPDX-License-Identifier: Apache-2.0
/** Puts membership by heartbeats together: a native thread that sends, a packet socket for each segment, what the log is told. */
import { randomBytes } from 'node:crypto';
import type { MembershipReport } from '@berth/core';
import { errorFields, type Log } from '@berth/daemon';
import { systemClock } from '@berth/kube';
import { HeartbeatSender } from '@berth/link';
import type { Cluster } from './cluster.ts';
import type { SpeakerConfig } from './config.ts';
import type { Lan } from './lan.ts';
import { Memberships } from './memberships.ts';
import { Reach } from './reach.ts';

const BOOT_ID_BYTES = 8;

export interface MembershipParts {
  readonly config: SpeakerConfig;
  readonly log: Log;
  readonly lan: Lan;
  /** Its credentials must be ready before membership is opened. */
  readonly cluster: Pick<Cluster, 'credentials' | 'endpoints' | 'watches'>;
  onOwned(): void;
  onNew(): void;
  onReport(report: MembershipReport): void;
}

export function openMemberships(parts: MembershipParts): Memberships {
  const { config, log, lan, cluster, onOwned, onNew, onReport } = parts;
  const { credentials, endpoints } = cluster;
  const thread = HeartbeatSender.open(lan.responder);
  const reach = new Reach({
    ...{ nodeName: config.nodeName, timing: config.timing, clock: systemClock, thread },
    nodes: () => cluster.watches.nodes.values(),
    links: () => lan.links.list(),
    memberships: () => memberships,
  });
  const memberships = new Memberships({
    nodeName: config.nodeName,
    bootId: randomBytes(BOOT_ID_BYTES).toString('hex'),
    timing: config.timing,
    rebalance: config.rebalance,
    eligibility: config.eligibility,
    localNodes: (service) => endpoints.nodesOf(service),
    source: {
      get clusterId() {
        return credentials.clusterId;
      },
      keys: () => credentials.keys(),
      nextCounter: () => thread.nextCounter(),
    },
    clock: systemClock,
    answerer: lan.responder,
    thread,
    segments: () => lan.segments(),
    transport: () => reach.transport,
    openSocket: (segment) => reach.open(segment),
    ...{ onOwned, onNew },
    onAnnounce: (vip, { ifindex }) => lan.announcer.again(vip, ifindex),
    onReport: (report, { ifname }) => {
      log.info('membership', { interface: ifname, ...report });
      onReport(report);
    },
    onFailed: ({ ifname }, error) => log.warn('heartbeats fail', { interface: ifname, ...errorFields(error) }),
  });
  return memberships;
}
