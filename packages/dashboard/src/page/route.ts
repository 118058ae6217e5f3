// SPDX-License-Identifier: Apache-2.0
/** What is looked at, in the part of the address behind `#`: so a view can be reloaded, and Back goes back. */
import { computed, signal } from '@preact/signals';

export const VIEWS = ['now', 'vips', 'timeline', 'what-if'] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  readonly view: View;
  readonly query: URLSearchParams;
}

/** `#/vips?node=edge-1`; anything else is the first view. */
export function parseRoute(hash: string): Route {
  const [, name = '', query = ''] = /^#\/([a-z-]+)(?:\?(.*))?$/.exec(hash) ?? [];
  const view = VIEWS.find((one) => one === name) ?? VIEWS[0];
  return { view, query: new URLSearchParams(query) };
}

/** Empty values are left out. */
export function formatRoute(view: View, query: Readonly<Record<string, string>> = {}): string {
  const pairs = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''));
  return pairs.size === 0 ? `#/${view}` : `#/${view}?${pairs}`;
}

const hash = signal('');

export const route = computed(() => parseRoute(hash.value));

/** Follows the address from now on. */
export function followAddress(): void {
  const read = () => {
    hash.value = location.hash;
  };
  read();
  window.addEventListener('hashchange', read);
}

/** Goes to a view; `replace` leaves no step to go back to, for what changes with each key. */
export function go(view: View, query: Readonly<Record<string, string>> = {}, how: 'push' | 'replace' = 'push'): void {
  const next = formatRoute(view, query);
  if (how === 'push') history.pushState(null, '', next);
  else history.replaceState(null, '', next);
  hash.value = next;
}

/** The query of the present view with some values changed. */
export function goWith(changes: Readonly<Record<string, string>>, how: 'push' | 'replace' = 'replace'): void {
  const { view, query } = route.peek();
  go(view, { ...Object.fromEntries(query), ...changes }, how);
}
