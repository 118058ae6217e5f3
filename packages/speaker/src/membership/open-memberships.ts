// SPDX-License-Identifier: Apache-2.0
/**
 * Puts membership by heartbeats together: a native thread that sends, a packet socket for each segment, what goes
 * to the log.
 */
import { randomBytes } from 'node:crypto';
import type { Asker } from '@berth/core';
import { HeartbeatSender, Inquiry, SolicitedGroups, sourceFor } from '@berth/link';
import { errorFields } from '@berth/runtime';
import type { Cluster } from '../cluster/cluster.ts';
import type { ProcessParts } from '../config.ts';
import { nodeAddressTexts } from '../layer2/forbidden-addresses.ts';
import type { Lan } from '../layer2/lan.ts';
import { isLinkLocal, type Segment } from '../layer2/segments.ts';
import { DemandGroups } from './demand-groups.ts';
import { HeartbeatTransport } from './heartbeat-transport.ts';
import { JoinedSegments } from './joined-segments.ts';
import { MemberMacs } from './member-macs.ts';
import type { Measures } from './membership-measures.ts';
import { Memberships } from './memberships.ts';
import type { MembershipsOptions } from './memberships-options.ts';
import { nodeWithMac } from './node-with-mac.ts';
import { type Answers, type Questions, SegmentQuestions } from './segment-questions.ts';

const BOOT_ID_BYTES = 8;
/** A host that asked for a VIP within this time is taken for one that is still there, in milliseconds. */
const ASKED_LATELY_MS = 24 * 60 * 60_000;
/** Of questions that fail, which may be many, the log tells once in this time, in milliseconds. */
const LOG_AGAIN_MS = 10_000;

export interface MembershipParts extends ProcessParts {
  readonly lan: Lan;
  /** Its credentials must be ready before membership is opened. */
  readonly cluster: Pick<Cluster, 'credentials' | 'endpoints' | 'watches'>;
  readonly measures: Measures;
  readonly mayOffer: NonNullable<MembershipsOptions['mayOffer']>;
}

export interface OpenedMemberships {
  readonly memberships: Memberships;
  /** Which MAC addresses are the cluster's own. */
  readonly macs: MemberMacs;
}

export function openMemberships(parts: MembershipParts): OpenedMemberships {
  const { config, log, clock, lan, cluster, measures, mayOffer } = parts;
  const { nodeName, timing, rebalance, eligibility, heartbeatPort } = config;
  const { credentials, endpoints } = cluster;
  const thread = HeartbeatSender.open(lan.responder);
  const source = {
    get clusterId() {
      return credentials.clusterId;
    },
    keys: () => credentials.keys(),
    nextCounter: () => thread.nextCounter(),
  };
  const bootId = randomBytes(BOOT_ID_BYTES).toString('hex');
  const joined = new JoinedSegments({ nodeName, bootId, source, clock });
  const own = () => lan.links.list().flatMap(({ mac }) => mac ?? []);
  const macs = new MemberMacs({ clock, joined: () => joined.all, own });
  const transport = new HeartbeatTransport({
    ...{ nodeName, timing, clock, thread, joined, heartbeatPort },
    nodes: () => cluster.watches.nodes.values(),
    links: () => lan.links.list(),
    gateways: ({ ifindex }) => lan.defaultRoutes.on(ifindex),
  });
  transport.failures.subscribe(({ ifname }, error) =>
    log.warn('no heartbeats over UDP', { interface: ifname, port: heartbeatPort, ...errorFields(error) }),
  );
  const memberships = new Memberships({
    ...{ nodeName, bootId, timing, rebalance, eligibility, source, clock, measures, joined, mayOffer },
    localNodes: (service) => endpoints.nodesOf(service),
    answerer: lan.responder,
    thread,
    segments: () => lan.segments(),
    answering: {
      isAttached: ({ ifindex }) => lan.wire.segments.some((one) => one.ifindex === ifindex),
      lacks: (vip) => lan.wire.lacks(vip),
    },
    ways: transport,
    openSocket: (segment) => transport.open(segment),
    openQuestions: (segment, answers) => openQuestions({ ...parts, macs }, segment, answers),
  });
  memberships.news.announcements.subscribe((vip, { ifindex }) => lan.announcer.again(vip, ifindex));
  memberships.news.failures.subscribe(({ ifname }, error) =>
    log.warn('heartbeats fail', { interface: ifname, ...errorFields(error) }),
  );
  memberships.news.reports.subscribe((report, { ifname }) => log.info('membership', { interface: ifname, ...report }));
  hearDemand({ ...parts, macs }, memberships);
  return { memberships, macs };
}

interface WireParts extends MembershipParts {
  readonly macs: MemberMacs;
}

/** Lets a node that is cut off hear which VIPs hosts ask for, and takes what it hears for a sign of need. */
function hearDemand(parts: WireParts, memberships: Memberships): void {
  const { log, lan } = parts;
  const groups = new SolicitedGroups();
  groups.failures.subscribe((group, ifindex, error) =>
    log.info('multicast group not joined', { group: String(group), ifindex, ...errorFields(error) }),
  );
  const demandGroups = new DemandGroups(groups);
  // What is new while this node is cut off is to be heard as well.
  memberships.news.wishes.subscribe(() => demandGroups.follow(memberships.loops));
  memberships.news.reports.subscribe(({ kind }) => {
    if (kind === 'cut-off') demandGroups.follow(memberships.loops);
  });
  const isHost = hostTest(parts);
  lan.audience.questions.subscribe((vip, asker, ifindex) => {
    if (memberships.awaitsDemand(ifindex, vip) && isHost(asker)) memberships.demanded(ifindex, vip);
  });
}

/**
 * Tells hosts that are no nodes from nodes. Speakers ask for IPv6 VIPs from link-local addresses, so who does that
 * counts as a node.
 */
function hostTest({ lan, cluster, macs }: WireParts): (asker: Asker) => boolean {
  return ({ ip, mac }) => !isLinkLocal(ip) && !macs.isOurs(mac) && !nodeAddresses({ lan, cluster }).has(String(ip));
}

function nodeAddresses({ lan, cluster }: Pick<MembershipParts, 'lan' | 'cluster'>): ReadonlySet<string> {
  return new Set([
    ...lan.links.list().flatMap(({ addresses }) => addresses.map((one) => String(one.address))),
    ...[...cluster.watches.nodes.values()].flatMap(nodeAddressTexts),
  ]);
}

/** Opens no socket yet. */
function openQuestions(parts: WireParts, segment: Segment, answers: Answers): Questions {
  const { config, lan, log, clock, cluster, macs } = parts;
  const { ifindex, mac, ifname } = segment;
  const addressesHere = () => lan.links.list().find(({ index }) => index === ifindex)?.addresses ?? [];
  let loggedMs = Number.NEGATIVE_INFINITY;
  const inquiry: Inquiry = new Inquiry({
    ...{ ifindex, mac, clock },
    from: (target) => sourceFor(addressesHere(), target),
    onAnswer: (address, station) => questions.heard(address, station),
    onFailed: (error) => {
      const nowMs = clock.now();
      if (nowMs - loggedMs < LOG_AGAIN_MS) return;
      loggedMs = nowMs;
      log.warn('questions are not asked', { interface: ifname, ...errorFields(error) });
    },
  });
  const questions = new SegmentQuestions({
    ...{ inquiry, answers },
    isOurs: (station) => macs.isOurs(station),
    gateways: () => lan.defaultRoutes.on(ifindex),
    askers: (atMost) =>
      lan.audience.lately(ifindex, { withinMs: ASKED_LATELY_MS, atMost }).filter(({ ip }) => !isLinkLocal(ip)),
    kindOf: async (station) => {
      const others = [...cluster.watches.nodes.values()].filter(({ metadata }) => metadata.name !== config.nodeName);
      const node = await nodeWithMac(station, others, { ...{ clock, ifindex, mac }, addresses: addressesHere() });
      return node === undefined ? 'stranger' : 'node';
    },
    nodeAddresses: () => nodeAddresses({ lan, cluster }),
  });
  return questions;
}
