// SPDX-License-Identifier: Apache-2.0
/** A process whose event loop hangs ends by itself; one that is stopped as a whole, or only busy, does not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { buildAddon } from '../build.ts';

const LIMIT_SECONDS = 2;
const PROGRAM = `
  const { startWatchdog } = await import(${JSON.stringify(join(import.meta.dirname, '..', 'src', 'watchdog.ts'))});
  startWatchdog(${LIMIT_SECONDS});
  process.on('message', (milliseconds) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    process.send('well');
  });
  process.send('ready');
`;

describe('the watchdog', () => {
  before(() => {
    buildAddon();
  });

  async function started() {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    await once(child, 'message');
    return child;
  }

  it('AT-12: ends a process that hangs, with an exit code of its own and a word on stderr', async () => {
    const child = await started();
    if (!child.stderr) throw new Error('no stderr');
    const said = once(child.stderr, 'data');
    child.send(60_000);
    const [code] = await once(child, 'exit');
    expect(code).to.equal(70);
    expect(String((await said)[0])).to.contain('JavaScript hangs');
  });

  it('leaves a process alone that is busy for less', async () => {
    const child = await started();
    const well = once(child, 'message');
    child.send((LIMIT_SECONDS - 1) * 1000 - 500);
    expect((await well)[0]).to.equal('well');
    child.kill('SIGKILL');
  });

  it('leaves a process alone that was stopped as a whole', async () => {
    const child = await started();
    child.kill('SIGSTOP');
    await delay((LIMIT_SECONDS + 1) * 1000);
    child.kill('SIGCONT');
    const well = once(child, 'message');
    child.send(0);
    expect((await well)[0]).to.equal('well');
    child.kill('SIGKILL');
  });
});
