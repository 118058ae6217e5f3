// SPDX-License-Identifier: Apache-2.0
/**
 * Label selectors with the meaning that Kubernetes gives them: all requirements must hold, an empty selector matches
 * all.
 */

export type Labels = Readonly<Record<string, string>>;

export type SelectorOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: SelectorOperator;
  /** Empty with Exists and DoesNotExist. */
  readonly values: readonly string[];
}

export interface LabelSelector {
  readonly matchLabels: Labels;
  readonly matchExpressions: readonly LabelRequirement[];
}

/** Whether the labels meet every requirement of the selector. */
export function matchesSelector(selector: LabelSelector, labels: Labels): boolean {
  const hasAll = Object.entries(selector.matchLabels).every(([key, value]) => labelOf(labels, key) === value);
  return hasAll && selector.matchExpressions.every((requirement) => meets(requirement, labels));
}

/** Whether at least one of the selectors matches; no selector at all matches nothing. */
export function matchesAny(selectors: readonly LabelSelector[], labels: Labels): boolean {
  return selectors.some((selector) => matchesSelector(selector, labels));
}

// As in Kubernetes, NotIn also holds where the label is absent.
function meets({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = labelOf(labels, key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
