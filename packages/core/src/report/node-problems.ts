// SPDX-License-Identifier: Apache-2.0
/** What is wrong by the word of the nodes alone, in the order in which `kubectl berth status` lists it. */
import { timeText } from '../history/time-text.ts';
import type { MacAddress } from '../net/mac-address.ts';
import { nodeLeaseName } from '../node-state/lease-name.ts';
import type { AddressConflict, NodeState, SegmentAnswer } from '../node-state/node-state.ts';
import { obstacleWords } from '../node-state/obstacle-words.ts';
import { EXCLUDE_LABEL } from '../placement/eligibility.ts';
import type { Problem } from './model.ts';
import { lapsesOf } from './node-lapses.ts';
import { type DatedReport, isLive } from './node-report.ts';
import type { ClusterObjects } from './objects.ts';
import { problemOf } from './problem.ts';

/** What each way means, and why it is used. */
const WAYS = {
  unicast: { kind: 'multicast-filtered', text: 'by frames to it alone: the network does not bring multicast' },
  udp: {
    kind: 'raw-frames-filtered',
    text: 'by UDP between node addresses: no frame of EtherType 0x88B5 arrives (a packet filter on either node?)',
  },
} as const;

/** Leases that are silent or cannot be read, then what each node tells, then what all of them together show. */
export function nodeProblems(
  reports: readonly DatedReport[],
  { nowMs, berthNamespace: namespace }: Pick<ClusterObjects, 'nowMs' | 'berthNamespace'>,
): Problem[] {
  return [
    ...reports.filter(({ freshness }) => freshness === 'stale').map((report) => silentNode(report, namespace)),
    ...reports.flatMap(({ node, problem }) => (problem === undefined ? [] : [unreadable(node, problem)])),
    // The last words of a node that is silent are old: whether a conflict or a cut is over, no one can say.
    ...reports.filter(isLive).flatMap((report) => problemsOfNode(report, report.state)),
    ...reports.filter(isLive).flatMap((report) => lapsesOf(report, nowMs)),
    ...keysDiffer(reports),
  ];
}

/** VIPs that a node does not answer for, and why, by its own word: a line for each reason. */
export function notAnsweredRemarks(reports: readonly DatedReport[]): string[] {
  return reports.flatMap(({ node, state }) => {
    const waiting = Map.groupBy(state?.notAnnounced ?? [], ({ why }) => why);
    return [...waiting].map(([why, vips]) => {
      const count = vips.length === 1 ? '1 VIP' : `${vips.length} VIPs`;
      return `${node} does not answer for ${count}: ${obstacleWords(why, state?.ineligible)}`;
    });
  });
}

function silentNode({ node, renewedMs }: DatedReport, namespace: string): Problem {
  return problemOf({
    ...{ kind: 'node-silent', about: [node], nodes: [node], sinceMs: renewedMs },
    text: `${node}: not heard of since ${timeText(renewedMs)}`,
    command: `kubectl -n ${namespace} get pods -o wide --field-selector spec.nodeName=${node}`,
  });
}

function unreadable(node: string, problem: string): Problem {
  return problemOf({
    ...{ kind: 'node-unreadable', about: [node], nodes: [node] },
    text: `${node}: Lease ${nodeLeaseName(node)}: ${problem}`,
  });
}

function problemsOfNode({ node }: DatedReport, state: NodeState): Problem[] {
  return [
    ...standingOf(node, state),
    ...hearingOf(node, state),
    ...answersOf(node, state),
    ...addressesOf(node, state),
    ...(state.leftOut === 0
      ? []
      : [
          problemOf({
            ...{ kind: 'report-cut', about: [node], nodes: [node] },
            text: `${node}: ${state.leftOut} more VIPs than its Lease has room for`,
          }),
        ]),
  ];
}

/** What ends it, by the reason that a node gives. */
function endOfIneligible(node: string, reason: string): string | undefined {
  switch (reason) {
    case 'drained':
      return `kubectl berth undrain ${node}`;
    case 'cordoned':
      return `kubectl uncordon ${node}`;
    case 'excluded-by-label':
      return `kubectl label node ${node} ${EXCLUDE_LABEL}-`;
    default:
      return `kubectl describe node ${node}`;
  }
}

function standingOf(node: string, { ineligible, fitness }: NodeState): Problem[] {
  const about = { about: [node], nodes: [node] };
  return [
    ...(ineligible === ''
      ? []
      : [
          problemOf({
            ...{ kind: 'node-ineligible', ...about, text: `${node}: may own nothing: ${ineligible}` },
            command: endOfIneligible(node, ineligible),
          }),
        ]),
    ...(fitness === 'fit'
      ? []
      : [
          problemOf({
            ...{ kind: 'node-unfit', ...about },
            text: `${node}: its kube-proxy is not healthy; other nodes are preferred`,
            command: `kubectl -n kube-system get pods -o wide --field-selector spec.nodeName=${node}`,
          }),
        ]),
  ];
}

function hearingOf(node: string, { segments }: NodeState): Problem[] {
  const members = segments.flatMap(({ interface: ifname, members: all }) =>
    all.map((member) => ({
      ...member,
      ifname,
      pair: { about: [node, ifname, member.node], nodes: [node, member.node] },
    })),
  );
  const oneWay = members.filter(({ hearing }) => hearing === 'one-way');
  const lost = members.filter(({ hearing }) => hearing === 'lost');
  const cutOff = segments.filter(({ contact }) => contact === 'cut-off');
  return [
    ...oneWay.map(({ node: other, ifname, pair }) =>
      problemOf({
        ...{ kind: 'one-way', ...pair },
        text: `${node}: hears ${other} on ${ifname}, but ${other} does not hear ${node}`,
        command: 'kubectl berth check',
      }),
    ),
    ...lost.map(({ node: other, ifname, pair }) =>
      problemOf({
        ...{ kind: 'heartbeats-lost', ...pair },
        text: `${node}: heartbeats of ${other} are lost on ${ifname}, but ${other} answers for its VIPs: nothing is taken over`,
        command: 'kubectl berth check',
      }),
    ),
    ...members.flatMap(({ node: other, ifname, way, pair }) =>
      way === undefined
        ? []
        : [
            problemOf({
              kind: WAYS[way].kind,
              ...pair,
              text: `${node}: hears ${other} on ${ifname} ${WAYS[way].text}`,
            }),
          ],
    ),
    ...cutOff.map(({ interface: ifname }) =>
      problemOf({
        ...{ kind: 'cut-off', about: [node, ifname], nodes: [node] },
        text: `${node}: cut off on ${ifname}: it hears neither most of the other nodes nor a gateway nor a client`,
      }),
    ),
    ...segments.flatMap(({ interface: ifname, notReached = [] }) =>
      notReached.map((other) =>
        problemOf({
          ...{ kind: 'node-not-reached', about: [node, ifname, other], nodes: [node, other] },
          text: `${node}: neither heartbeats nor ARP of ${other} arrive on ${ifname}, though it is Ready: both may answer for the same VIPs. Are the switch ports isolated from each other (private VLAN)?`,
          command: 'kubectl berth check',
        }),
      ),
    ),
  ];
}

const ANSWERS: Readonly<Record<Exclude<SegmentAnswer, 'engine'>, string>> = {
  thread: 'is answered by a thread, since the program cannot be attached',
  behind: 'is answered behind another program, which may take questions away',
  none: 'is not answered: the node owns nothing there',
};

function answersOf(node: string, { segments }: NodeState): Problem[] {
  return segments.flatMap(({ interface: ifname, answer = 'engine', answersForOthers }) => {
    const about = { about: [node, ifname], nodes: [node] };
    const severity = answer === 'thread' ? 'info' : 'warning';
    return [
      ...(answer === 'engine'
        ? []
        : [problemOf({ kind: 'answer-degraded', severity, ...about, text: `${node}: ${ifname} ${ANSWERS[answer]}` })]),
      ...(answersForOthers
        ? [
            problemOf({
              ...{ kind: 'answers-for-others', ...about },
              text: `${node}: its kernel answers on ${ifname} for VIPs of other nodes (IPVS without strictARP)`,
            }),
          ]
        : []),
    ];
  });
}

function addressesOf(node: string, { owned, conflicts, unreachable }: NodeState): Problem[] {
  const outside = owned.filter(({ isOutside }) => isOutside === true);
  return [
    ...outside.map(({ vip, interface: ifname }) =>
      problemOf({
        ...{ kind: 'outside-subnet', about: [String(vip), node, ifname], nodes: [node], vips: [String(vip)] },
        text: `${node}: ${vip} is in no subnet of ${ifname}: hosts need a route for it`,
      }),
    ),
    ...conflicts.map((one) => conflictOf(node, one)),
    ...unreachable.map(({ vip, interface: ifname, why, macs, sinceSeconds }) =>
      problemOf({
        ...{ kind: 'unreachable', about: [String(vip), node, ifname], nodes: [node], vips: [String(vip)] },
        text: `${node}: ${vip} on ${ifname}: ${why} ${macs.join(' ')}`.trimEnd(),
        sinceMs: sinceSeconds * 1000,
        command: `kubectl berth check ${vip}`,
      }),
    ),
  ];
}

/** Who uses an address of a pool, in words. */
const USERS = {
  node: () => 'is an address of this node itself,',
  gateway: () => 'is the gateway of this node,',
  subnet: () => 'is the network or broadcast address of a subnet of this node,',
  stranger: (mac: MacAddress) => `is used by ${mac}`,
} as const;

function conflictOf(node: string, { vip, mac, interface: ifname, kind, sinceSeconds, user }: AddressConflict): Problem {
  const isInUse = kind === 'in-use';
  const since = timeText(sinceSeconds * 1000);
  return problemOf({
    ...{ kind: 'conflict', about: [String(vip), node, ifname], nodes: [node], vips: [String(vip)] },
    severity: isInUse ? 'critical' : 'warning',
    text: `${node}: ${vip} ${USERS[user ?? 'stranger'](mac)} on ${ifname} since ${since}${isInUse ? ', while it is announced' : ''}`,
    sinceMs: sinceSeconds * 1000,
    command: isInUse ? `kubectl berth check ${vip}` : `kubectl berth pool release ${vip}`,
  });
}

function keysDiffer(reports: readonly DatedReport[]): Problem[] {
  const keys = new Set(reports.filter(isLive).map(({ state }) => state.keys.signing));
  if (keys.size < 2) return [];
  const text = 'the nodes sign heartbeats with different keys: a rotation is under way';
  return [problemOf({ kind: 'keys-differ', about: [], text, command: 'kubectl berth status' })];
}
