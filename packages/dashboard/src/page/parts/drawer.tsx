// SPDX-License-Identifier: Apache-2.0
/** Something that opens beside what is looked at. Escape closes it, and the focus goes back to where it was. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icons.tsx';

interface DrawerProps {
  readonly title: string;
  readonly kind: 'beside' | 'over';
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export function Drawer({ title, kind, onClose, children }: DrawerProps) {
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    // What opens over the page is what one is busy with; what opens beside the list leaves the keys to the list.
    if (kind === 'over') box.current?.focus();
    return () => {
      if (before instanceof HTMLElement && document.contains(before)) before.focus();
    };
  }, [kind]);
  return (
    <section
      class={`drawer ${kind}`}
      ref={box}
      role={kind === 'over' ? 'dialog' : 'region'}
      aria-label={title}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <header class="drawer-head">
        <h2>{title}</h2>
        <button type="button" class="quiet" onClick={onClose} aria-label="Close">
          <Icon name="close" />
        </button>
      </header>
      <div class="drawer-body">{children}</div>
    </section>
  );
}
