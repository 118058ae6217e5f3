// SPDX-License-Identifier: Apache-2.0
/**
 * The keeper, and what it holds for a program on the loopback interface. What that is good for: wire/keeper.test.ts.
 * Needs root.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MacAddress } from '@berth/core';
import { SpreadTable } from '@berth/link';
import { expect } from 'chai';
import { buildAddon, buildKeeper } from '../build.ts';
import { LOOPBACK } from './support/spread-frames.ts';
import { until } from './support/wire-lan.ts';

const HOLD_MS = 2000;

function obstacle(): string | undefined {
  buildAddon();
  try {
    SpreadTable.open({ engine: 'kernel' }).close();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

const reason = obstacle();
const suite = reason === undefined ? describe : describe.skip;

suite(`the keeper${reason === undefined ? '' : ` (cannot be tried: ${reason})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-keeper-'));
  const path = join(folder, 'keeper.sock');
  let keeper: ChildProcess;
  let table: SpreadTable;

  after(() => rmSync(folder, { recursive: true }));

  beforeEach(async () => {
    await startKeeper();
    table = SpreadTable.open({ engine: 'kernel' });
    table.attach(LOOPBACK, MacAddress.ZERO);
    table.keepBy(path);
    await until('it holds the link', () => held() === 1);
  });

  afterEach(() => {
    table.close();
    keeper.kill('SIGKILL');
  });

  async function startKeeper(): Promise<void> {
    rmSync(path, { force: true });
    keeper = spawn(buildKeeper(), [path], { stdio: 'inherit' });
    await until('the keeper listens', () => existsSync(path));
  }

  /** Descriptors of BPF that the keeper holds. */
  function held(): number {
    const fds = `/proc/${keeper.pid}/fd`;
    const isBpf = (fd: string) => {
      try {
        return readlinkSync(join(fds, fd)).includes('bpf');
      } catch {
        // It was closed meanwhile.
        return false;
      }
    };
    return existsSync(fds) ? readdirSync(fds).filter(isBpf).length : 0;
  }

  it('SP-31: lets go two seconds after the process has closed its table, not before', async () => {
    const began = performance.now();
    table.close();
    await until('nothing is held', () => held() === 0);
    expect(performance.now() - began).to.be.within(HOLD_MS - 100, HOLD_MS + 1500);
  });

  it('SP-31: an interface that is taken off is not held either; one that is hooked anew is', async () => {
    table.detach(LOOPBACK);
    await until('nothing is held', () => held() === 0, HOLD_MS / 2);
    table.attach(LOOPBACK, MacAddress.ZERO);
    await until('it is held', () => held() === 1);
    table.attachAgain(LOOPBACK);
    await until('the new one alone is held', () => held() === 1);
    expect(table.look(LOOPBACK)).to.equal('in-place');
  });

  it('SP-31: a keeper that comes later, or again, gets what there is at the next renewal', async () => {
    keeper.kill('SIGKILL');
    await until('no one keeps', () => !table.isKept);
    await startKeeper();
    table.renew(1000);
    await until('it holds again', () => held() === 1);
    expect(table.isKept).to.equal(true);
  });

  it('SP-31: holds for the process before and for the next one at the same time', async () => {
    const next = SpreadTable.open({ engine: 'kernel' });
    next.attach(LOOPBACK, MacAddress.ZERO);
    next.keepBy(path);
    await until('both are held', () => held() === 2);
    table.close();
    await until('one is held', () => held() === 1);
    expect(next.look(LOOPBACK)).to.equal('in-place');
    next.close();
  });

  it('SP-31: a keeper that is told to end does so when it holds nothing', async () => {
    const ended = new Promise<number | null>((resolve) => keeper.on('exit', (code) => resolve(code)));
    keeper.kill('SIGTERM');
    table.renew(1000);
    expect(table.isKept).to.equal(true);
    const began = performance.now();
    table.close();
    expect(await ended).to.equal(0);
    expect(performance.now() - began).to.be.within(HOLD_MS - 100, HOLD_MS + 1500);
  });

  it('SP-31: only its own user may use its socket, and a path that is too long is refused', () => {
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    expect(() => table.keepBy(`/${'x'.repeat(120)}`)).to.throw('longer than 107 bytes');
  });

  it('SP-31: says what is wrong with its socket, or how it is used', async () => {
    const endOf = (...argv: string[]) =>
      new Promise<{ code: number | null; text: string }>((resolve) => {
        const child = spawn(buildKeeper(), argv, { stdio: ['ignore', 'ignore', 'pipe'] });
        let text = '';
        child.stderr.on('data', (chunk) => {
          text += chunk;
        });
        child.on('close', (code) => resolve({ code, text }));
      });
    expect(await endOf()).to.deep.equal({ code: 2, text: 'usage: keeper SOCKET\n' });
    expect(await endOf('/nowhere/at/all')).to.deep.equal({
      ...{ code: 1, text: 'keeper: listen: "/nowhere/at/all": No such file or directory\n' },
    });
  });
});
