// SPDX-License-Identifier: Apache-2.0
/**
 * Icons, drawn by hand on a grid of 16. They say nothing that no text says beside them, so they are hidden from screen
 * readers.
 */

const PATHS = {
  anchor:
    'M8 5v9M8 5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3M5.5 7h5M2.5 9.5C3 12.3 5.2 14 8 14s5-1.7 5.5-4.5M1.5 10.8l1-1.3 1.4.8M14.5 10.800l-1-1.3-1.4.800',
  ok: 'M3.5 8.500l3 3 6-7',
  critical: 'M8 4.500v4.200M8 11.400v.1M5.4 1.800h5.200l3.6 3.600v5.200l-3.6 3.600H5.400l-3.6-3.600V5.400z',
  warning: 'M8 6v3.200M8 11.600v.1M8 2.200l6.2 11H1.800z',
  info: 'M8 7.400v4M8 4.800v.1M8 14.200A6.2 6.2 0 1 0 8 1.800a6.2 6.2 0 0 0 0 12.400z',
  copy: 'M5.5 5.500h8v8h-8zM10.5 5.500v-3h-8v8h3',
  book: 'M8 4c-1.5-1.3-3.5-1.6-5.5-1.500v10C4.5 12.4 6.5 12.7 8 14c1.5-1.3 3.5-1.6 5.5-1.500v-10C11.5 2.4 9.5 2.7 8 4zM8 4v10',
  close: 'M3.5 3.500l9 9M12.5 3.500l-9 9',
  arrow: 'M2.5 8h11M9.5 4l4 4-4 4',
  up: 'M8 12.500v-9M4.5 7L8 3.5 11.5 7',
  down: 'M8 3.500v9M4.5 9L8 12.5 11.5 9',
  search: 'M7 11.500a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.300l3.7 3.7',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width={size} height={size} aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
