// SPDX-License-Identifier: Apache-2.0

// Locks and records of processes, on real processes of our own.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { withLock } from './lock.ts';
import { recordedProcesses, runningProcess, startTicksOf } from './processes.ts';
import { inNamespace, RunError, run, tryRun } from './run.ts';
import { type LabPaths, labPaths } from './state.ts';

let folder: string;
let paths: LabPaths;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-processes-'));
  paths = { ...labPaths('test'), pids: join(folder, 'pids') };
  mkdirSync(paths.pids);
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('withLock', () => {
  it('lets one in at a time', async () => {
    const order: string[] = [];
    const work = (name: string) => async () => {
      order.push(`${name} in`);
      await run(['true']);
      order.push(`${name} out`);
    };
    const file = join(folder, 'lock');
    await Promise.all([withLock(file, work('a')), withLock(file, work('b'))]);
    expect(order.map((entry) => entry.slice(2))).to.deep.equal(['in', 'out', 'in', 'out']);
  });

  it('lets go when the work fails', async () => {
    const file = join(folder, 'lock');
    const failed = await withLock(file, () => Promise.reject(new Error('no'))).catch((error: Error) => error.message);
    expect(failed).to.equal('no');
    expect(await withLock(file, async () => 'in again')).to.equal('in again');
  });
});

describe('runningProcess', () => {
  const record = (startTicks: string | undefined) =>
    writeFileSync(join(paths.pids, 'cp-etcd.json'), JSON.stringify({ pid: process.pid, startTicks }));

  it('finds a process by id and start time', async () => {
    record(await startTicksOf(process.pid));
    expect((await runningProcess(paths, 'cp', 'etcd'))?.pid).to.equal(process.pid);
    expect(await recordedProcesses(paths)).to.have.length(1);
  });

  it('does not take another process for it that has its id now', async () => {
    record('1');
    expect(await runningProcess(paths, 'cp', 'etcd')).to.equal(undefined);
    expect(await recordedProcesses(paths)).to.have.length(0);
  });

  it('finds nothing without a record', async () => {
    expect(await runningProcess(paths, 'cp', 'etcd')).to.equal(undefined);
  });
});

describe('run', () => {
  it('returns what was printed and passes input on', async () => {
    expect(await run(['cat'], { input: 'text' })).to.equal('text');
  });

  it('rejects with the command, its exit code and what it said', async () => {
    const error = await run(['sh', '-c', 'echo why >&2; exit 3']).catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(RunError);
    expect(String(error)).to.match(/exit 3: why$/);
  });

  it('rejects for a program that is not there', async () => {
    expect(await tryRun(['no-such-program']).catch((error: Error) => error.message)).to.include('ENOENT');
  });

  it('kills what takes too long', async () => {
    expect((await tryRun(['sleep', '60'], { timeoutMs: 20 })).exitCode).to.equal(128);
  });

  it('enters a namespace with nsenter', () => {
    expect(inNamespace('berth-lab-cp', ['ls'])).to.deep.equal(['nsenter', '--net=/run/netns/berth-lab-cp', '--', 'ls']);
    expect(inNamespace(undefined, ['ls'])).to.deep.equal(['ls']);
  });
});
