// SPDX-License-Identifier: Apache-2.0
/** Puts membership by heartbeats together: a native thread that sends, a packet socket for each segment, what the log is told. */
import { randomBytes } from 'node:crypto';
import { HEARTBEAT_ETHER_TYPE, type MembershipReport } from '@berth/core';
import { errorFields, type Log } from '@berth/daemon';
import { systemClock } from '@berth/kube';
import { HeartbeatSender, LinkGroup, PacketSocket } from '@berth/link';
import type { Cluster } from './cluster.ts';
import type { SpeakerConfig } from './config.ts';
import { HEARTBEAT_GROUP } from './heartbeat-frames.ts';
import type { Lan } from './lan.ts';
import type { SegmentSocket } from './membership-loop.ts';
import { Memberships } from './memberships.ts';

/** Room for the heartbeats of a crowded segment while this process is busy. */
const RECEIVE_BUFFER_BYTES = 1 << 20;
const BOOT_ID_BYTES = 8;

export interface MembershipParts {
  readonly config: SpeakerConfig;
  readonly log: Log;
  readonly lan: Lan;
  /** Its credentials must be ready before membership is opened. */
  readonly cluster: Pick<Cluster, 'credentials' | 'endpoints'>;
  onOwned(): void;
  onReport(report: MembershipReport): void;
}

export function openMemberships({ config, log, lan, cluster, onOwned, onReport }: MembershipParts): Memberships {
  const { credentials, endpoints } = cluster;
  const thread = HeartbeatSender.open(lan.responder);
  return new Memberships({
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
    openSocket: ({ ifindex }) => openSegmentSocket(ifindex),
    onOwned,
    onAnnounce: (vip, { ifindex }) => lan.announcer.again(vip, ifindex),
    onReport: (report, { ifname }) => {
      log.info('membership', { interface: ifname, ...report });
      onReport(report);
    },
    onFailed: ({ ifname }, error) =>
      log.warn('heartbeats cannot be sent', { interface: ifname, ...errorFields(error) }),
  });
}

function openSegmentSocket(ifindex: number): SegmentSocket {
  const socket = PacketSocket.open({
    ifindex,
    protocol: HEARTBEAT_ETHER_TYPE,
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
  });
  const group = LinkGroup.join(ifindex, HEARTBEAT_GROUP);
  return {
    send: (frame) => socket.send(frame),
    receive: (onFrame, onError) => socket.receive(onFrame, onError),
    close: () => {
      group.close();
      socket.close();
    },
  };
}
