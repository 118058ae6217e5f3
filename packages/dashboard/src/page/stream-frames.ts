// SPDX-License-Identifier: Apache-2.0
/**
 * Server-sent events out of a stream of bytes, as far as this server uses them: one line of data a frame, and comments.
 */

const END = '\n\n';
const DATA = 'data: ';

/** The data of each frame. `heard` is called for whatever arrives, comments included. */
export async function* frames(body: ReadableStream<Uint8Array>, heard: () => void): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let pending = '';
  heard();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    // The end of a frame may itself be cut in two.
    const from = Math.max(0, pending.length - 1);
    pending += decoder.decode(value, { stream: true });
    for (let end = pending.indexOf(END, from); end >= 0; end = pending.indexOf(END)) {
      const frame = pending.slice(0, end);
      pending = pending.slice(end + END.length);
      if (frame.startsWith(DATA)) yield frame.slice(DATA.length);
    }
  }
}
