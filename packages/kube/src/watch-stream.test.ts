// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { decodeWatchLine, readLines } from './watch-stream.ts';

async function linesOf(...chunks: Buffer[]): Promise<string[]> {
  async function* stream() {
    yield* chunks;
  }
  const lines: string[] = [];
  for await (const line of readLines(stream())) lines.push(line);
  return lines;
}

describe('readLines', () => {
  it('joins lines across chunks, also inside a character', async () => {
    const bytes = Buffer.from('{"a":"Ä"}\n\n{"b":1}\nrest');
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const lines = await linesOf(bytes.subarray(0, cut), bytes.subarray(cut));
      expect(lines).to.deep.equal(['{"a":"Ä"}', '{"b":1}']);
    }
  });
});

describe('decodeWatchLine', () => {
  const cases = [
    { name: 'garbage', line: '<html>', code: 'bad-response' },
    { name: 'no object', line: '7', code: 'bad-response' },
    { name: 'unknown type', line: '{"type":"NEW","object":{}}', code: 'bad-response' },
    { name: 'too old', line: '{"type":"ERROR","object":{"code":410,"reason":"Expired"}}', code: 'gone' },
    { name: 'server error', line: '{"type":"ERROR","object":{"code":500}}', code: 'server' },
    { name: 'error without code', line: '{"type":"ERROR","object":{}}', code: 'server' },
  ];
  for (const { name, line, code } of cases) {
    it(`throws "${code}" for ${name}`, () => {
      expect(() => decodeWatchLine(line, '/x'))
        .to.throw()
        .with.property('code', code);
    });
  }

  it('returns the version of a bookmark', () => {
    const line = '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"42"}}}';
    expect(decodeWatchLine(line, '/x')).to.deep.equal({ type: 'BOOKMARK', resourceVersion: '42' });
  });
});
