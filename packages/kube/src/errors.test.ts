// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { classify, codeOfStatus, KubeError, type KubeErrorCode, parseRetryAfter } from './errors.ts';

describe('classify', () => {
  const cases: { code: KubeErrorCode; action: string }[] = [
    { code: 'conflict', action: 'refresh' },
    { code: 'already-exists', action: 'refresh' },
    { code: 'gone', action: 'relist' },
    { code: 'not-found', action: 'drop' },
    { code: 'aborted', action: 'stop' },
    { code: 'forbidden', action: 'refused' },
    { code: 'invalid', action: 'refused' },
    { code: 'no-access', action: 'refused' },
    { code: 'unauthorized', action: 'retry' },
    { code: 'too-many-requests', action: 'retry' },
    { code: 'server', action: 'retry' },
    { code: 'network', action: 'retry' },
    { code: 'timeout', action: 'retry' },
    { code: 'put-off', action: 'retry' },
    { code: 'bad-response', action: 'retry' },
  ];
  for (const { code, action } of cases) {
    it(`says "${action}" for ${code}`, () => expect(classify(new KubeError(code, 'x')).action).to.equal(action));
  }

  it('hands on the wait that the server asked for', () => {
    const error = new KubeError('too-many-requests', 'x', { retryAfterMs: 3000 });
    expect(classify(error)).to.deep.equal({ action: 'retry', afterMs: 3000 });
  });

  it('throws on what is no error of the API', () => {
    expect(() => classify(new TypeError('bug'))).to.throw(TypeError, 'bug');
  });
});

describe('codeOfStatus', () => {
  const cases: [number, string | undefined, KubeErrorCode][] = [
    [401, undefined, 'unauthorized'],
    [403, 'Forbidden', 'forbidden'],
    [404, 'NotFound', 'not-found'],
    [409, 'Conflict', 'conflict'],
    [409, 'AlreadyExists', 'already-exists'],
    [410, 'Expired', 'gone'],
    [422, 'Invalid', 'invalid'],
    [429, undefined, 'too-many-requests'],
    [500, undefined, 'server'],
    [503, undefined, 'server'],
  ];
  for (const [status, reason, code] of cases) {
    it(`reads ${status} ${reason ?? ''} as ${code}`, () => expect(codeOfStatus(status, reason)).to.equal(code));
  }
});

describe('parseRetryAfter', () => {
  it('returns milliseconds', () => expect(parseRetryAfter('2')).to.equal(2000));
  it('takes nothing that is not plain seconds', () => {
    for (const text of [undefined, '', 'soon', '-1', '1e9', '99999999', 'Wed, 21 Oct 2026 07:28:00 GMT']) {
      expect(parseRetryAfter(text)).to.equal(undefined);
    }
  });
});
