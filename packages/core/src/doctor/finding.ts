// SPDX-License-Identifier: Apache-2.0
/** What `kubectl berth doctor` finds: in a cluster before Berth is there, and around it afterwards. */
import { compareText } from '../compare-text.ts';
import type { Problem, ProblemKind, Severity } from '../report/model.ts';
import type { SurroundingKind } from './kind.ts';
import { WHY } from './why.ts';

/** One thing to know or to do, by the same severities as problems. */
export interface Finding {
  /** The same as long as it is the same finding: its kind and what it is about. */
  readonly id: string;
  readonly kind: SurroundingKind | ProblemKind;
  readonly severity: Severity;
  /** What it is: one sentence without a full stop. */
  readonly text: string;
  /** Why it matters: one sentence without a full stop. */
  readonly why: string;
  /** The command that ends it, or that shows more where none ends it. */
  readonly command: string | undefined;
  /** Path of the page of the repository that says more. */
  readonly page: string | undefined;
  readonly nodes: readonly string[];
  /** Keys: `namespace/name`. */
  readonly services: readonly string[];
  readonly pools: readonly string[];
}

export interface FindingFacts {
  readonly kind: SurroundingKind;
  readonly severity: Severity;
  /** What it is about, so that two of a kind have different ids. Default: nothing. */
  readonly about?: readonly string[];
  readonly text: string;
  readonly command?: string | undefined;
  readonly page?: string;
  readonly nodes?: readonly string[];
  readonly services?: readonly string[];
  readonly pools?: readonly string[];
}

export function findingOf(facts: FindingFacts): Finding {
  const { kind, severity, about = [], text, command, page, nodes = [], services = [], pools = [] } = facts;
  return {
    id: [kind, ...about].join(' '),
    ...{ kind, severity, text, why: WHY[kind], command, page, nodes, services, pools },
  };
}

/** A problem of Berth itself, with why it matters. */
export function findingOfProblem(problem: Problem): Finding {
  const { id, kind, severity, text, command, runbook, nodes, services, pools } = problem;
  return { id, kind, severity, text, why: WHY[kind], command, page: runbook, nodes, services, pools };
}

/** `1 Service`, `2 Services`. */
export function servicesText(count: number): string {
  return count === 1 ? '1 Service' : `${count} Services`;
}

const ORDER: readonly Severity[] = ['critical', 'warning', 'info'];

/** The most severe first; of the same severity by id. */
export function bySeverity(a: Finding, b: Finding): number {
  return ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) || compareText(a.id, b.id);
}
