// SPDX-License-Identifier: Apache-2.0
/** Makes problems: every kind has one runbook and, unless its maker says otherwise, one severity. */
import { compareText } from '../compare-text.ts';
import type { Problem, ProblemKind, Severity } from './model.ts';

/**
 * What a kind has in common: its runbook in docs/runbooks/ (that of the alert where there is one), and how severe it
 * is.
 */
const KINDS: Readonly<Record<ProblemKind, { readonly runbook: string; readonly severity: Severity }>> = {
  'no-speaker': { runbook: 'BerthSpeakerMissing', severity: 'critical' },
  'no-leader': { runbook: 'BerthNoLeader', severity: 'warning' },
  'node-silent': { runbook: 'BerthSpeakerMissing', severity: 'warning' },
  'node-unreadable': { runbook: 'BerthSpeakerMissing', severity: 'warning' },
  'node-without-speaker': { runbook: 'BerthNodeWithoutSpeaker', severity: 'info' },
  'node-ineligible': { runbook: 'node-owns-nothing', severity: 'info' },
  'node-unfit': { runbook: 'node-owns-nothing', severity: 'warning' },
  'one-way': { runbook: 'BerthHeartbeatsLost', severity: 'warning' },
  'heartbeats-lost': { runbook: 'BerthHeartbeatsLost', severity: 'warning' },
  'cut-off': { runbook: 'BerthNodeCutOff', severity: 'critical' },
  'node-not-reached': { runbook: 'BerthHeartbeatsLost', severity: 'critical' },
  'heartbeats-late': { runbook: 'BerthHeartbeatsLate', severity: 'warning' },
  'multicast-filtered': { runbook: 'heartbeats-filtered', severity: 'info' },
  'raw-frames-filtered': { runbook: 'heartbeats-filtered', severity: 'info' },
  'answer-degraded': { runbook: 'BerthAnsweringImpaired', severity: 'warning' },
  'answers-for-others': { runbook: 'BerthAnsweringImpaired', severity: 'critical' },
  'keys-differ': { runbook: 'keys-differ', severity: 'info' },
  conflict: { runbook: 'BerthAddressConflict', severity: 'critical' },
  unreachable: { runbook: 'BerthVipNotReachable', severity: 'critical' },
  'not-announced': { runbook: 'BerthVipNotAnnounced', severity: 'critical' },
  'outside-subnet': { runbook: 'outside-subnet', severity: 'info' },
  'report-cut': { runbook: 'BerthNoRoomForVips', severity: 'info' },
  'configuration-refused': { runbook: 'BerthConfigurationRefused', severity: 'warning' },
  'no-configuration': { runbook: 'BerthConfigurationRefused', severity: 'critical' },
  'pool-full': { runbook: 'BerthPoolFull', severity: 'warning' },
  'pool-nearly-full': { runbook: 'BerthPoolNearlyFull', severity: 'info' },
  'no-address': { runbook: 'BerthServiceRefused', severity: 'warning' },
  quarantine: { runbook: 'BerthAddressConflict', severity: 'warning' },
  flapping: { runbook: 'BerthOwnersFlapping', severity: 'warning' },
};

const ORDER: readonly Severity[] = ['critical', 'warning', 'info'];

export interface ProblemFacts {
  readonly kind: ProblemKind;
  /** What it is about, so that two of a kind have different ids. */
  readonly about: readonly string[];
  /** One sentence without a full stop. */
  readonly text: string;
  readonly severity?: Severity;
  readonly sinceMs?: number | undefined;
  readonly nodes?: readonly string[];
  readonly vips?: readonly string[];
  readonly services?: readonly string[];
  readonly pools?: readonly string[];
  readonly command?: string | undefined;
}

export function problemOf(facts: ProblemFacts): Problem {
  const { kind, about, text, sinceMs, command, nodes = [], vips = [], services = [], pools = [] } = facts;
  const { runbook, severity } = KINDS[kind];
  return {
    id: [kind, ...about].join(' '),
    ...{ kind, severity: facts.severity ?? severity, text, sinceMs },
    ...{ nodes, vips, services, pools },
    runbook: `docs/runbooks/${runbook}.md`,
    command,
  };
}

/** The most severe first; of the same severity by id. */
export function byUrgency(a: Problem, b: Problem): number {
  return ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) || compareText(a.id, b.id);
}

/** Paths of all runbooks that problems name, each once. */
export function runbookPaths(): readonly string[] {
  return [...new Set(Object.values(KINDS).map(({ runbook }) => `docs/runbooks/${runbook}.md`))].sort();
}
