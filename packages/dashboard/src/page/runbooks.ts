// SPDX-License-Identifier: Apache-2.0
/** The runbooks that travel with the page, and which one is open. */
import { signal } from '@preact/signals';

/** Path of a runbook in the repository; undefined: none is open. */
export const openedRunbook = signal<string | undefined>(undefined);

export function openRunbook(path: string): void {
  openedRunbook.value = path;
}

/** The text of a runbook; undefined when the page has no such one. */
export async function runbookText(path: string): Promise<string | undefined> {
  const response = await fetch(`/${path}`);
  return response.ok ? response.text() : undefined;
}
