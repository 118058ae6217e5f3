// SPDX-License-Identifier: Apache-2.0
/** Whether the window is as narrow as a telephone: rows have two lines there. */
import { signal } from '@preact/signals';

const query = window.matchMedia('(max-width: 720px)');
const isNarrow = signal(query.matches);
query.addEventListener('change', ({ matches }) => {
  isNarrow.value = matches;
});

export function useIsNarrow(): boolean {
  return isNarrow.value;
}
