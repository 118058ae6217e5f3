// SPDX-License-Identifier: Apache-2.0
/**
 * Run in a network namespace of its own with `lo` up: sends heartbeats there and plays one scenario. Prints what it saw
 * as JSON: the frames in hex and the report of the thread.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { IpAddress, MacAddress } from '@berth/core';
import { DatagramSocket, HeartbeatSender, PacketSocket, Responder } from '@berth/link';

const LOOPBACK = 1;
const ETHER_TYPE = 0x88b5;
const INTERVAL_MS = 20;
/**
 * How long a round lets the responder answer. Where no lapse is played, a thread that a busy machine lets run late must
 * not have one.
 */
const ANSWER_MS: Readonly<Record<string, number>> = { 'not-renewed': 120, stopped: 1000 };
const LONG_MS = 10_000;
/** Rounds that a scenario waits for: a busy machine takes longer for them. */
const ROUNDS = 10;

const PEER = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 9)) ?? MacAddress.ZERO;

const PORT = 7482;
const LOOPBACKS = ['127.0.0.1', '::1'].flatMap((text) => {
  const parsed = IpAddress.parse(text);
  return parsed.ok ? [parsed.value] : [];
});

const frames: string[] = [];
const datagrams: string[] = [];
const socket = PacketSocket.open({ ifindex: LOOPBACK, protocol: ETHER_TYPE, frames: 'promiscuous' });
socket.receive(({ bytes }) => frames.push(Buffer.from(bytes).toString('hex')), console.error);
const responder = Responder.open();
const sender = HeartbeatSender.open(responder);
const key = { inner: new Uint8Array(64).fill(0x36), outer: new Uint8Array(64).fill(0x5c) };

sender.setFrame(LOOPBACK, frame(), key);
sender.pace(INTERVAL_MS, ANSWER_MS[process.argv[2] ?? ''] ?? LONG_MS);
sender.release();
const fence: string[] = [];
let pace = {};
await play(process.argv[2] ?? '');
const report = { ...sender.report(), pace };
sender.close();
responder.close();
socket.close();
console.log(JSON.stringify({ frames, datagrams, fence, ...report }));

async function play(scenario: string): Promise<void> {
  switch (scenario) {
    case 'beat':
      sender.renew(LONG_MS);
      pace = await measurePace();
      await until(() => frames.length >= ROUNDS);
      fence.push(responder.renew(1));
      break;
    case 'copies':
      sender.renew(LONG_MS);
      sender.copyTo(LOOPBACK, [PEER]);
      await until(() => frames.filter(isCopy).length >= ROUNDS);
      sender.copyTo(LOOPBACK, []);
      await until(() => frames.length - 1 - frames.findLastIndex(isCopy) >= ROUNDS);
      break;
    case 'datagrams': {
      const sockets = (['IPv4', 'IPv6'] as const).map((family) =>
        DatagramSocket.open({ ifname: 'lo', family, port: PORT }),
      );
      for (const one of sockets) {
        one.takeFrom(LOOPBACKS);
        one.receive(
          ({ bytes, from }) => datagrams.push(`${from} ${Buffer.from(bytes).toString('hex')}`),
          console.error,
        );
      }
      const [fd4, fd6] = sockets.map(({ fd }) => fd);
      sender.renew(LONG_MS);
      sender.datagramsTo(LOOPBACK, { fd4, fd6, port: PORT, addresses: LOOPBACKS });
      await until(() =>
        LOOPBACKS.every((from) => datagrams.filter((one) => one.startsWith(`${from} `)).length >= ROUNDS),
      );
      sender.datagramsTo(LOOPBACK, { port: PORT, addresses: [] });
      for (const one of sockets) one.close();
      break;
    }
    case 'not-renewed':
      sender.renew(100);
      await delay(500);
      fence.push(responder.renew(1));
      break;
    case 'hang':
      sender.renew(LONG_MS);
      hangUntil(() => sender.report().rounds >= ROUNDS);
      break;
    case 'held':
      sender.hold();
      sender.renew(LONG_MS);
      await until(() => frames.length >= ROUNDS);
      fence.push(responder.renew(1));
      break;
    case 'stopped':
      sender.renew(LONG_MS);
      await delay(100);
      // The parent stops this process now for longer than it may answer, and lets it go on.
      process.kill(process.pid, 'SIGSTOP');
      await delay(200);
      fence.push(responder.renew(1));
      frames.length = 0;
      await delay(100);
      fence.push(`${frames.length} frames`);
      sender.hold();
      responder.expire();
      sender.release();
      await delay(100);
      fence.push(responder.renew(1));
      break;
    default:
      throw new Error(`no scenario "${scenario}"`);
  }
}

/**
 * Counts rounds between two looks. Each look lies between two readings of the clock, since this thread may be put aside
 * at any moment: the looks are at least `atLeastMs` and at most `atMostMs` apart. A round that was due at the second
 * look has run by the end, so that its delay counts.
 */
async function measurePace(): Promise<object> {
  const before = performance.now();
  const first = sender.report().rounds;
  const began = performance.now();
  await until(() => frames.length >= ROUNDS);
  const ended = performance.now();
  const second = sender.report();
  let { latestMs } = second;
  const after = performance.now();
  await until(() => {
    const now = sender.report();
    latestMs = Math.max(latestMs, now.latestMs);
    return now.rounds > second.rounds;
  });
  return { rounds: second.rounds - first, atLeastMs: ended - began, atMostMs: after - before, latestMs };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(1);
}

/** Nothing else of JavaScript runs meanwhile. */
function hangUntil(condition: () => boolean): void {
  while (!condition());
}

function isCopy(hex: string): boolean {
  return hex.startsWith(Buffer.from(PEER.toBytes()).toString('hex'));
}

/** A frame of the smallest size, with zeros where counter and tag go. */
function frame(): Uint8Array {
  const bytes = new Uint8Array(14 + 80).fill(0xee);
  bytes.set([0x88, 0xb5], 12);
  return bytes;
}
