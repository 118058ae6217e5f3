// SPDX-License-Identifier: Apache-2.0
/**
 * Random schedules of planned moves and of speakers that end in order and start again.
 * BERTH_MOVES_SCHEDULES plays so many (default 6), from BERTH_MOVES_SEED on (default 1).
 */
import { seeded } from '@berth/core/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { MovingLan } from './testing/moving-lan.ts';
import { NAMES, pass } from './testing/spread-cable.ts';

const COUNT = Number(process.env.BERTH_MOVES_SCHEDULES ?? 6);
const FIRST = Number(process.env.BERTH_MOVES_SEED ?? 1);
const STEPS = 12;

describe('random schedules of planned moves', () => {
  it(`MV-18: ${COUNT} schedules break no connection, and leave nothing loaded`, async function () {
    this.timeout(COUNT * 30_000);
    for (let seed = FIRST; seed < FIRST + COUNT; seed++) await play(seed);
  });
});

async function play(seed: number): Promise<void> {
  const [clock, random] = [new FakeClock(), seeded(seed)];
  const lan = new MovingLan({ clock, random, names: NAMES, loss: random() * 0.05 });
  const pick = (names: readonly string[]) => names[Math.floor(random() * names.length)] ?? '';
  const others = () => lan.live.filter((name) => name !== lan.owner);
  const log: string[] = [];
  await pass(clock, 1_000);
  for (let step = 0; step < STEPS; step++) {
    for (let opened = 0; opened < 10; opened++) clock.after(random() * 2_000, () => lan.open());
    for (const one of lan.connections) if (random() < 0.3) clock.after(random() * 2_000, () => lan.send(one));
    const kind = pick(['move', 'end', 'start', 'wait']);
    const missing = NAMES.find((name) => !lan.live.includes(name));
    log.push(`${clock.now().toFixed(0)} ${kind}, ${lan.owner} of ${lan.live.join()}`);
    if (kind === 'move' && others().length > 0) await lan.move(pick(others()));
    else if (kind === 'end' && lan.live.length > 2) {
      const name = pick(lan.live);
      await lan.end(name, pick(lan.live.filter((one) => one !== name)));
    } else if (kind === 'start' && missing) lan.start(missing);
    await pass(clock, 500 + random() * 3_000);
  }
  await pass(clock, 5_000);
  for (const one of lan.connections) lan.send(one);
  expect(lan.connections.length, `seed ${seed}`).to.be.above(50);
  const broken = lan.connections.filter(({ isBroken }) => isBroken);
  expect(broken.length, `seed ${seed}, of ${lan.connections.length}:\n${log.join('\n')}`).to.equal(0);
  lan.endAllConnections();
  // A node whose speaker is away is expected back for ten minutes.
  for (const name of NAMES) if (!lan.live.includes(name)) lan.start(name);
  await pass(clock, 40_000);
  expect(lan.loaded, `seed ${seed}`).to.deep.equal([]);
}
