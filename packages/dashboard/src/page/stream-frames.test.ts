// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { frames } from './stream-frames.ts';

async function framesIn(bytes: Uint8Array, chunkLength: number): Promise<string[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let from = 0; from < bytes.length; from += chunkLength)
        controller.enqueue(bytes.slice(from, from + chunkLength));
      controller.close();
    },
  });
  const found: string[] = [];
  for await (const frame of frames(body, () => {})) found.push(frame);
  return found;
}

describe('frames', () => {
  const bytes = new TextEncoder().encode('data: {"a":"ü→"}\n\n:\n\ndata: two\n\n:\n\ndata: cut off');

  it('gives the data of whole frames, wherever the stream is cut', async () => {
    for (let chunkLength = 1; chunkLength <= bytes.length; chunkLength++)
      expect(await framesIn(bytes, chunkLength), `chunks of ${chunkLength}`).to.deep.equal(['{"a":"ü→"}', 'two']);
  });

  it('tells of whatever arrives, comments included', async () => {
    let heard = 0;
    const body = new Blob([':\n\n']).stream();
    for await (const frame of frames(body, () => heard++)) expect.fail(`a frame: ${frame}`);
    expect(heard).to.equal(2);
  });
});
