// SPDX-License-Identifier: Apache-2.0
/** As much of Markdown as runbooks use: headings, paragraphs, lists, tables and blocks of code. Pure. */

export type TextBlock =
  | { readonly kind: 'heading'; readonly level: number; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'table'; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'code'; readonly text: string };

/** The blocks of a text, in order. */
export function blocksOf(text: string): TextBlock[] {
  const pieces = text.replaceAll('\r\n', '\n').split(/^```.*$/m);
  // Between the first and the second fence stands code, and so on.
  return pieces.flatMap((piece, index): TextBlock[] =>
    index % 2 === 1 ? [{ kind: 'code', text: piece.trim() }] : piece.split(/\n\s*\n/).flatMap(blockOf),
  );
}

function blockOf(paragraph: string): TextBlock[] {
  const text = paragraph.trim();
  if (text === '') return [];
  const heading = /^(#+) (.*)(?:\n([\s\S]*))?$/.exec(text);
  if (heading) {
    const [, marks = '', title = '', rest = ''] = heading;
    return [{ kind: 'heading', level: marks.length, text: title }, ...blockOf(rest)];
  }
  if (text.startsWith('|')) return [{ kind: 'table', rows: tableRowsOf(text) }];
  const isItem = /^(?:[-*]|\d+\.) /;
  if (isItem.test(text)) {
    const items = text.split(/\n(?=(?:[-*]|\d+\.) )/).map((item) => joined(item.replace(isItem, '')));
    return [{ kind: 'list', items }];
  }
  return [{ kind: 'paragraph', text: joined(text) }];
}

function tableRowsOf(text: string): string[][] {
  const lines = text.split('\n').filter((line) => !/^[|\s:-]+$/.test(line));
  return lines.map((line) =>
    line
      .replace(/^\||\|$/g, '')
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|')),
  );
}

function joined(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ');
}
