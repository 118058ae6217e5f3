// SPDX-License-Identifier: Apache-2.0
/** How problems and findings look: the word before each, and its colour. */
import type { Severity } from '@berth/core';
import type { Tone } from './tone.ts';

export const SEVERITY_TONES: Readonly<Record<Severity, Tone | undefined>> = {
  critical: 'bad',
  warning: 'warning',
  info: undefined,
};

export const SEVERITY_WORDS: Readonly<Record<Severity, string>> = {
  critical: 'CRITICAL',
  warning: 'WARNING',
  info: 'INFO',
};

/** Whether somebody has to do something about it. */
export function isWrong({ severity }: { readonly severity: Severity }): boolean {
  return severity !== 'info';
}
