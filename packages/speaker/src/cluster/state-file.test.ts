// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@berth/runtime';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { service } from '../testing.ts';
import type { SavedState } from './saved-state.ts';
import { MAX_AGE_MS, STATE_FILE, StateFile } from './state-file.ts';

const OWNER = { node: 'edge-1', namespace: 'berth-system', server: 'ab' };

function stateWith(...vips: string[]): SavedState {
  const services = vips.map((vip) => service(`s-${vip}`, vip));
  return { clusterId: '0123456789abcdef', services, nodes: [], accepted: [], slices: undefined };
}

describe('StateFile', () => {
  let folder: string;
  let clock: FakeClock;
  let lines: { message: string; problem?: unknown }[];
  let state: SavedState | undefined;
  let file: StateFile;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'berth-state-'));
    clock = new FakeClock();
    lines = [];
    state = stateWith('192.0.2.7');
    const tell = (message: string, fields?: object) => lines.push({ message, ...fields });
    const log: Log = { error: tell, warn: tell, info: tell, debug: tell };
    file = new StateFile({ folder, owner: OWNER, clock, log, state: () => state });
  });

  afterEach(async () => {
    await file.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const path = () => join(folder, STATE_FILE);
  const text = () => readFileSync(path(), 'utf8');
  const written = async () => {
    await clock.advance(1_000);
    await file.stop();
  };

  it('NN-02: writes on change and reads back', async () => {
    file.changed();
    await written();
    expect(await file.read()).to.deep.equal(JSON.parse(JSON.stringify(state)));
    expect(readdirSync(folder)).to.deep.equal([STATE_FILE]);
  });

  it('NN-02: writes nothing before the API server has said everything', async () => {
    state = undefined;
    file.changed();
    await written();
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('gathers news of a moment', async () => {
    let asked = 0;
    const counting = new StateFile({
      ...{ folder, owner: OWNER, clock, log: { error() {}, warn() {}, info() {}, debug() {} } },
      state: () => {
        asked += 1;
        return state;
      },
    });
    for (let index = 0; index < 100; index += 1) counting.changed();
    await clock.advance(1_000);
    await counting.stop();
    expect(asked).to.equal(1);
  });

  it('NN-02: refuses a file that no speaker has written for a week, takes one of a clock that was ahead', async () => {
    file.changed();
    await written();
    const nowMs = clock.date().getTime();
    const touch = (ms: number) => utimesSync(path(), ms / 1000, ms / 1000);
    touch(nowMs - MAX_AGE_MS - 60_000);
    expect(await file.read()).to.equal(undefined);
    expect(lines.at(-1)).to.include({ message: 'saved state refused', problem: 'too-old' });
    touch(nowMs + MAX_AGE_MS);
    expect(await file.read()).not.to.equal(undefined);
  });

  it('NN-02: refuses a damaged file and says so, and replaces it with the next change', async () => {
    writeFileSync(path(), 'garbage\n');
    expect(await file.read()).to.equal(undefined);
    expect(lines.at(-1)).to.include({ message: 'saved state refused', problem: 'damaged' });
    file.changed();
    await written();
    expect(text()).to.contain('192.0.2.7');
  });

  it('goes on without a folder that can be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    const tell = (message: string) => lines.push({ message });
    const log: Log = { error: tell, warn: tell, info: tell, debug: tell };
    const blocked = new StateFile({ folder: join(folder, 'file'), owner: OWNER, clock, log, state: () => state });
    expect(await blocked.read()).to.equal(undefined);
    blocked.changed();
    await clock.advance(1_000);
    await blocked.stop();
    expect(lines.map(({ message }) => message)).to.deep.equal(['no saved state', 'state not saved']);
  });
});
