// SPDX-License-Identifier: Apache-2.0

// What the documentation's tests read out of a Markdown file. Pure.

export interface CodeBlock {
  /** The word behind the fence, '' without one. */
  language: string;
  text: string;
  /** Line of the opening fence, from 1. */
  line: number;
}

/** Returns the fenced code blocks of a document. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^```(\w*)/.exec(line);
    if (fence === null) open?.lines.push(line);
    else if (open === undefined) open = { language: fence[1] ?? '', line: index + 1, lines: [] };
    else {
      blocks.push({ language: open.language, line: open.line, text: `${open.lines.join('\n')}\n` });
      open = undefined;
    }
  }
  return blocks;
}

/** Returns the targets of all links that point into the repository, without their fragment. */
export function localLinks(markdown: string): string[] {
  return [...markdown.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target.replace(/#.*$/, ''))
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target));
}

/** Returns the targets with a fragment of all links that point into the repository. */
export function localAnchors(markdown: string): { readonly file: string; readonly anchor: string }[] {
  const links = [...markdown.matchAll(/\]\(([^)\s#:]*)#([^)\s]+)\)/g)];
  return links.map(([, file = '', anchor = '']) => ({ file, anchor }));
}

/** Returns the headings of a document, without the signs of inline code and links. */
export function headings(markdown: string): string[] {
  const text = markdown.replaceAll(/^```[\s\S]*?^```$/gm, '');
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading.replaceAll('`', '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1'),
  );
}

/** Returns the text below the heading of that name, up to the next heading of the same or a higher level. */
export function section(markdown: string, heading: string): string {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (start === -1) throw new Error(`docs: no heading '${heading}'`);
  const level = /^#+/.exec(lines[start] ?? '')?.[0].length ?? 1;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => (/^#+(?= )/.exec(line)?.[0].length ?? 99) <= level);
  return rest.slice(0, end === -1 ? undefined : end).join('\n');
}
