// SPDX-License-Identifier: Apache-2.0

// The alerts as manifests/monitoring/ has them.

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const FILE = 'manifests/monitoring/prometheus-rule.yaml';

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string };
}

export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Alert[];
}

export function ruleGroups(): readonly RuleGroup[] {
  return (parse(readFileSync(FILE, 'utf8')) as { spec: { groups: RuleGroup[] } }).spec.groups;
}

export function alerts(): readonly Alert[] {
  return ruleGroups().flatMap(({ rules }) => rules);
}

/** The metrics that some alert reads. */
export function metricsOfRules(): ReadonlySet<string> {
  return new Set(alerts().flatMap(({ expr }) => expr.match(/\bberth_\w+/g) ?? []));
}
