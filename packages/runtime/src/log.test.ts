// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { errorFields, type LogLevel, openLog } from './log.ts';

const NOW = '2026-01-02T03:04:05.678Z';

function logged(level: LogLevel, work: (log: ReturnType<typeof openLog>) => void): unknown[] {
  const lines: string[] = [];
  work(openLog(level, { write: (line) => lines.push(line), now: () => new Date(NOW) }));
  return lines.map((line) => {
    expect(line).to.match(/^[^\n]*\n$/);
    return JSON.parse(line);
  });
}

describe('openLog', () => {
  it('writes a JSON object a line', () => {
    const lines = logged('info', (log) => log.warn('watch failed', { what: 'a\nb', retryInMs: 100n }));
    const fields = { what: 'a\nb', retryInMs: '100' };
    expect(lines).to.deep.equal([{ timestamp: NOW, level: 'warn', message: 'watch failed', ...fields }]);
  });

  it('leaves out what is less important than the level', () => {
    const all = (log: ReturnType<typeof openLog>) => {
      for (const level of ['error', 'warn', 'info', 'debug'] as const) log[level](level);
    };
    expect(logged('warn', all)).to.have.length(2);
    expect(logged('debug', all)).to.have.length(4);
  });

  it('lets no field pass for the message', () => {
    const [line] = logged('info', (log) => log.info('real', { message: 'false', level: 'error' }));
    expect(line).to.deep.equal({ timestamp: NOW, level: 'info', message: 'real' });
  });

  it('writes the message where a field cannot be written', () => {
    const round: Record<string, unknown> = {};
    round.self = round;
    const [line] = logged('info', (log) => log.info('real', { round }));
    expect(line).to.include({ message: 'real' });
  });

  it('writes time, level and message first, then the fields as they were given', () => {
    const lines: string[] = [];
    const log = openLog('info', { write: (line) => lines.push(line), now: () => new Date(NOW) });
    log.info('moved', { vip: '192.0.2.1', from: 'b', at: 1 });
    expect(lines).to.deep.equal([
      `{"timestamp":"${NOW}","level":"info","message":"moved","vip":"192.0.2.1","from":"b","at":1}\n`,
    ]);
  });

  it('writes text for people, a line each', () => {
    const lines: string[] = [];
    const log = openLog('info', { format: 'text', write: (line) => lines.push(line), now: () => new Date(NOW) });
    log.warn('watch\nfailed', { what: 'a "b"', retryInMs: 100n, of: ['x'], code: 'ECONNRESET', empty: '' });
    expect(lines).to.deep.equal([
      `${NOW} WARN  watch\\nfailed what="a \\"b\\"" retryInMs=100 of=["x"] code=ECONNRESET empty=""\n`,
    ]);
  });
});

describe('errorFields', () => {
  it('keeps code and system call of what the system says, without a stack', () => {
    const error = Object.assign(new Error('connect: refused'), { code: 'ECONNREFUSED', syscall: 'connect' });
    expect(errorFields(error)).to.deep.equal({
      error: 'connect: refused',
      code: 'ECONNREFUSED',
      syscall: 'connect',
    });
  });

  it('keeps the stack of an error without a code, and its causes', () => {
    const fields = errorFields(new TypeError('no such thing', { cause: new Error('below') }));
    expect(fields).to.include({ error: 'no such thing' });
    expect(fields.stack).to.match(/log\.test\.ts/);
    expect(fields.cause).to.include({ error: 'below' });
  });

  it('takes what is no error at all', () => {
    expect(errorFields('oops')).to.deep.equal({ error: 'oops' });
  });
});
