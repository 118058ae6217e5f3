// SPDX-License-Identifier: Apache-2.0
/**
 * A runbook beside the page: its text travels with the page, so that it is there when the network is what is broken.
 */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { blocksOf, type TextBlock } from '../markdown.ts';
import { CopyCommand } from '../parts/copy-command.tsx';
import { Drawer } from '../parts/drawer.tsx';
import { openedRunbook, runbookText } from '../runbooks.ts';

export function RunbookDrawer() {
  const path = openedRunbook.value;
  const text = useSignal<string | undefined>(undefined);
  useEffect(() => {
    text.value = undefined;
    if (path === undefined) return;
    runbookText(path)
      .then((found) => {
        text.value = found ?? `This version has no runbook ${path}.`;
      })
      .catch(() => {
        text.value = `The dashboard has ended; ${path} is in the repository of Berth.`;
      });
  }, [path, text]);
  if (path === undefined) return null;
  const close = () => {
    openedRunbook.value = undefined;
  };
  return (
    <Drawer title="Runbook" kind="over" onClose={close}>
      <div class="prose">
        {blocksOf(text.value ?? '').map((block, index) => (
          <Block key={index} block={block} />
        ))}
      </div>
    </Drawer>
  );
}

function Block({ block }: { readonly block: TextBlock }) {
  switch (block.kind) {
    case 'heading':
      return block.level === 1 ? <h2>{inline(block.text)}</h2> : <h3>{inline(block.text)}</h3>;
    case 'paragraph':
      return <p>{inline(block.text)}</p>;
    case 'list':
      return (
        <ul>
          {block.items.map((item) => (
            <li key={item}>{inline(item)}</li>
          ))}
        </ul>
      );
    case 'code':
      return block.text.includes('\n') ? <pre>{block.text}</pre> : <CopyCommand command={block.text} />;
    case 'table':
      return (
        <table>
          <tbody>
            {block.rows.map((row) => (
              <tr key={row.join()}>
                {row.map((cell) => (
                  <td key={cell}>{inline(cell)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      );
  }
}

/** Code and links; a link leads into the repository, so only its words are shown. */
function inline(text: string): ComponentChildren {
  const words = text.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1');
  return words.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((piece, index) => {
    if (piece.startsWith('`')) return <code key={index}>{piece.slice(1, -1)}</code>;
    if (piece.startsWith('**')) return <strong key={index}>{piece.slice(2, -2)}</strong>;
    return piece;
  });
}
