// SPDX-License-Identifier: Apache-2.0
/** A part of a view with its heading, and what stands there when there is nothing to show. */
import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icons.tsx';

interface SectionProps {
  readonly title: string;
  /** Beside the title, such as a count. */
  readonly note?: ComponentChildren;
  readonly class?: string;
  readonly children: ComponentChildren;
}

export function Section({ title, note, children, ...rest }: SectionProps) {
  return (
    <section class={`card ${rest.class ?? ''}`} aria-label={title}>
      <header class="card-head">
        <h2>{title}</h2>
        {note !== undefined && <span class="muted">{note}</span>}
      </header>
      {children}
    </section>
  );
}

export function Empty({ icon = 'ok', children }: { readonly icon?: IconName; readonly children: ComponentChildren }) {
  return (
    <p class={`empty ${icon}`}>
      <Icon name={icon} size={18} />
      <span>{children}</span>
    </p>
  );
}
