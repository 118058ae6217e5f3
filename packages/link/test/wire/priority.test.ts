// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

/** 2 Mbit/s: what a flood leaves in the queue takes half a second to go out, longer than any fence. */
const SLOW_LINK = ['tbf', 'rate', '2mbit', 'burst', '3000', 'latency', '5s'];
const EVERY_MS = 25;
/** 3/4 of the time after which peers take a silent node for dead. */
const FENCE_MS = 150;
/** Frames of a flood, as fast as the queue takes them. */
const ROUNDS = 20;
/** What a frame of the flood takes to go out. */
const FRAME_MS = 6;
/** ARP for no one, of 1,500 bytes. */
const FRAME = `ffffffffffff00005e0053990806${'55'.repeat(1486)}`;

describe('heartbeats in a queue that is full', () => {
  let lan: WireLan;
  let sender: WireHost;
  let reader: WireHost;

  before(async () => {
    lan = await WireLan.up({ sender: {}, reader: {} });
    sender = lan.host('sender');
    reader = lan.host('reader');
    sender.run('tc', 'qdisc', 'add', 'dev', 'lan0', 'root', 'handle', '1:', ...SLOW_LINK);
    sender.run('tc', 'qdisc', 'add', 'dev', 'lan0', 'parent', '1:1', 'handle', '2:', 'pfifo_fast');
    await sender.call('watch', 'lan0');
    await reader.call('watch', 'lan0');
    await reader.call('hearBeats', 'lan0');
    await sender.call('beat', 'lan0', EVERY_MS);
  });

  after(() => lan.down());

  it('WT-22: a flood that fills the egress queue for a second delays none beyond the fence', async () => {
    await until('a heartbeat is heard', async () => (await reader.call('longestSilence')) < 2 * EVERY_MS);
    for (let round = 0; round < ROUNDS; round++) {
      await sender.call('flood', 'lan0', [FRAME], 200);
      await delay(50);
    }
    const silenceMs = await reader.call('longestSilence');
    const before = reader.seen.length;
    await until('the flood is through', async () => {
      const seen = reader.seen.length;
      await delay(100);
      return reader.seen.length === seen;
    });
    // What was still queued then takes longer than the fence to go out: it is the queue that heartbeats went past.
    expect((reader.seen.length - before) * FRAME_MS).to.be.above(FENCE_MS);
    expect(silenceMs).to.be.below(FENCE_MS);
  });
});
