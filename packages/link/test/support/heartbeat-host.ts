// SPDX-License-Identifier: Apache-2.0
/**
 * Run in a network namespace of its own with `lo` up: sends heartbeats there and plays one scenario. Prints what it saw as JSON: the
 * frames in hex and the report of the thread.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { MacAddress } from '@berth/core';
import { HeartbeatSender, PacketSocket, Responder } from '@berth/link';

const LOOPBACK = 1;
const ETHER_TYPE = 0x88b5;
const INTERVAL_MS = 20;
const ANSWER_MS = 120;

const PEER = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 9)) ?? MacAddress.ZERO;

const frames: string[] = [];
const socket = PacketSocket.open({ ifindex: LOOPBACK, protocol: ETHER_TYPE });
socket.receive(({ bytes }) => frames.push(Buffer.from(bytes).toString('hex')), console.error);
const responder = Responder.open();
const sender = HeartbeatSender.open(responder);
const key = { inner: new Uint8Array(64).fill(0x36), outer: new Uint8Array(64).fill(0x5c) };

sender.setFrame(LOOPBACK, frame(), key);
sender.pace(INTERVAL_MS, ANSWER_MS);
sender.release();
const fence: string[] = [];
await play(process.argv[2] ?? '');
const report = sender.report();
sender.close();
responder.close();
socket.close();
console.log(JSON.stringify({ frames, fence, ...report }));

async function play(scenario: string): Promise<void> {
  switch (scenario) {
    case 'beat':
      sender.renew(10_000);
      await delay(300);
      fence.push(responder.renew(1));
      break;
    case 'copies':
      sender.renew(10_000);
      sender.copyTo(LOOPBACK, [PEER]);
      await delay(200);
      sender.copyTo(LOOPBACK, []);
      break;
    case 'not-renewed':
      sender.renew(100);
      await delay(500);
      fence.push(responder.renew(1));
      break;
    case 'hang':
      sender.renew(1000);
      await delay(50);
      hang(400);
      await delay(50);
      break;
    case 'held':
      sender.hold();
      sender.renew(10_000);
      await delay(300);
      fence.push(responder.renew(1));
      break;
    case 'stopped':
      sender.renew(10_000);
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

function hang(milliseconds: number): void {
  const untilMs = performance.now() + milliseconds;
  while (performance.now() < untilMs);
}

/** A frame of the smallest size, with zeros where counter and tag go. */
function frame(): Uint8Array {
  const bytes = new Uint8Array(14 + 80).fill(0xee);
  bytes.set([0x88, 0xb5], 12);
  return bytes;
}
