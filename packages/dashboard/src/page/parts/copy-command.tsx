// SPDX-License-Identifier: Apache-2.0
/** A command with a button that copies it. The page itself never carries one out. */
import { useSignal } from '@preact/signals';
import { Icon } from './icons.tsx';

const SHOWN_MS = 1_600;

export function CopyCommand({ command }: { readonly command: string }) {
  const outcome = useSignal<'' | 'Copied' | 'Not copied'>('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command);
      outcome.value = 'Copied';
    } catch {
      // The browser forbids it: the text can still be selected.
      outcome.value = 'Not copied';
    }
    setTimeout(() => {
      outcome.value = '';
    }, SHOWN_MS);
  };
  return (
    <span class="command">
      <code>{command}</code>
      <button type="button" class="quiet" onClick={copy} aria-label={`Copy: ${command}`}>
        <Icon name={outcome.value === 'Copied' ? 'ok' : 'copy'} />
        <span class="hint" role="status">
          {outcome.value}
        </span>
      </button>
    </span>
  );
}
