// SPDX-License-Identifier: Apache-2.0

// Records what a host on the LAN of a lab can hear of heartbeats: a stranger's way to frames that it cannot make.

import { fileURLToPath } from 'node:url';
import { HEARTBEAT_ETHER_TYPE } from '@berth/core';
import { LinkGroup, Links, PacketSocket } from '@berth/link';
import { HEARTBEAT_GROUP } from '../../packages/speaker/src/membership/heartbeat-frames.ts';
import { run } from '../lab/run.ts';

/** The heartbeats that are heard on eth0 of a network namespace for a while, in hex. */
export async function recordFrames(namespace: string, forMs: number): Promise<string[]> {
  const argv = [`--net=/run/netns/${namespace}`, process.execPath, fileURLToPath(import.meta.url), String(forMs)];
  return (await run(['nsenter', ...argv])).trim().split('\n');
}

async function main(forMs: number): Promise<void> {
  const links = new Links();
  links.failures.subscribe(console.error);
  links.start();
  await links.ready;
  const ifindex = links.list().find(({ name }) => name === 'eth0')?.index ?? 0;
  links.stop();
  LinkGroup.join(ifindex, HEARTBEAT_GROUP);
  const socket = PacketSocket.open({ ifindex, protocol: HEARTBEAT_ETHER_TYPE, receiveBufferBytes: 4_000_000 });
  socket.receive(({ bytes }) => console.log(Buffer.from(bytes).toString('hex')), console.error);
  setTimeout(() => process.exit(), forMs);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(Number(process.argv[2]));
