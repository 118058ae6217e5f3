// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';

interface Outcome {
  readonly frames: string[];
  /** Sender and bytes. */
  readonly datagrams: string[];
  readonly fence: string[];
  readonly rounds: number;
  readonly lapses: number;
  readonly isLapsed: boolean;
  /** Of the scenario `beat`: rounds in a time, as exactly as it is known, and their longest delay. */
  readonly pace: {
    readonly rounds: number;
    readonly atLeastMs: number;
    readonly atMostMs: number;
    readonly latestMs: number;
  };
}

const INTERVAL_MS = 20;
/** Rounds that a scenario waits for. */
const ROUNDS = 10;

/**
 * Plays a scenario in a namespace of its own, which ends with it. A process that stops itself goes on after a while.
 */
async function play(scenario: string): Promise<Outcome> {
  const host = join(import.meta.dirname, '..', 'support', 'heartbeat-host.ts');
  const script = 'ip link set lo up && exec "$0" "$1" "$2"';
  const child = spawn('unshare', ['--net', 'sh', '-c', script, process.execPath, host, scenario], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = text(child.stdout);
  if (scenario === 'stopped') void letGoOn(child.pid ?? 0, output);
  return JSON.parse(await output) as Outcome;
}

async function letGoOn(pid: number, ended: Promise<string>): Promise<void> {
  let isRunning = true;
  void ended.then(() => {
    isRunning = false;
  });
  while (isRunning) {
    await delay(20);
    if (!isRunning || !(await isStopped(pid))) continue;
    // Longer than it may answer, counted from when it stands still.
    await delay(1500);
    process.kill(pid, 'SIGCONT');
  }
}

/** The state is behind the name in parentheses. */
async function isStopped(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
}

function counterOf(hex: string): number {
  return Number.parseInt(hex.slice(2 * (14 + 32), 2 * (14 + 38)), 16);
}

describe('HeartbeatSender', () => {
  it('sends at its pace, each frame with the next counter and a tag of its own, and keeps the fence', async () => {
    const { frames, fence, isLapsed, rounds, pace } = await play('beat');
    // Rounds come no sooner than their time, but the one before may have been late; and no later than the thread says
    // itself.
    expect((pace.rounds - 1) * INTERVAL_MS).to.be.at.most(pace.atMostMs + pace.latestMs);
    expect((pace.rounds + 1) * (INTERVAL_MS + pace.latestMs)).to.be.at.least(pace.atLeastMs);
    expect(frames.length).to.be.within(ROUNDS, rounds);
    expect(frames.map(counterOf)).to.deep.equal(frames.map((_, index) => index + 1));
    for (const hex of frames) {
      const heartbeat = Buffer.from(hex, 'hex').subarray(14);
      const tag = createHmac('sha256', Buffer.alloc(32)).update(heartbeat.subarray(0, -16)).digest().subarray(0, 16);
      expect(heartbeat.subarray(-16).toString('hex')).to.equal(tag.toString('hex'));
    }
    expect(fence).to.deep.equal(['held']);
    expect(isLapsed).to.equal(false);
  });

  it('sends copies to peers one by one while it is asked to, which differ in their destination alone', async () => {
    const { frames } = await play('copies');
    const copies = frames.filter((hex) => hex.startsWith('00005e005309'));
    expect(copies.length).to.be.at.least(ROUNDS);
    expect(frames.slice(-ROUNDS).filter((hex) => copies.includes(hex))).to.deep.equal([]);
    for (const copy of copies) expect(frames).to.include(`eeeeeeeeeeee${copy.slice(12)}`);
    expect(frames.length).to.be.at.least(2 * copies.length);
  });

  it('WT-26: sends the same as datagrams by both families while it is asked to, without the Ethernet header', async () => {
    const { frames, datagrams } = await play('datagrams');
    for (const from of ['127.0.0.1', '::1']) {
      const heard = datagrams.filter((one) => one.startsWith(`${from} `)).map((one) => one.slice(from.length + 1));
      expect(heard.length).to.be.at.least(ROUNDS);
      for (const hex of heard) expect(frames.map((frame) => frame.slice(28))).to.include(hex);
    }
  });

  it('FO-05: falls silent when JavaScript gives no sign, and the fence with it', async () => {
    const { frames, fence } = await play('not-renewed');
    // It may send for 100 ms, so six rounds at most; how many it gets done is the machine's.
    expect(frames.length).to.be.within(1, 6);
    expect(fence).to.deep.equal(['expired']);
  });

  it('goes on while JavaScript hangs', async () => {
    const { rounds, lapses } = await play('hang');
    expect({ isSending: rounds >= ROUNDS, lapses }).to.deep.equal({ isSending: true, lapses: 0 });
  });

  it('sends and leaves the fence alone while it is held', async () => {
    const { frames, fence } = await play('held');
    expect(frames.length).to.be.at.least(ROUNDS);
    expect(fence).to.deep.equal(['expired']);
  });

  it('FO-05: neither sends nor renews after the process was stopped, until it is told to go on', async () => {
    const { fence, lapses } = await play('stopped');
    expect(fence).to.deep.equal(['expired', '0 frames', 'held']);
    expect(lapses).to.equal(1);
  });
});
