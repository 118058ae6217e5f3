// SPDX-License-Identifier: Apache-2.0
/** Colour where a terminal is. */

/** What a piece of text is, and so how it looks on a terminal. */
export type Tone = 'head' | 'bad' | 'warning' | 'good';

/** Select Graphic Rendition (ECMA-48): bold, red, yellow, green. The user's own palette decides what they look like. */
const CODES: Readonly<Record<Tone, number>> = { head: 1, bad: 31, warning: 33, good: 32 };

/**
 * Whether text for a stream is coloured: a terminal, that can do it, whose user has not asked for none. An empty
 * NO_COLOR counts as absent (no-color.org).
 */
export function isColoured(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

/** The text in the colour of its tone; line breaks at its end stay outside. */
export function paint(text: string, tone: Tone | undefined): string {
  const [, body = '', end = ''] = /^(.*?)(\n*)$/s.exec(text) ?? [];
  return tone === undefined || body === '' ? text : `\u001b[${CODES[tone]}m${body}\u001b[0m${end}`;
}
