// SPDX-License-Identifier: Apache-2.0
/**
 * Frames and what a node must do with them, for tests: both the decision in TypeScript and the one in C are held to
 * this table. The node has MAC 00:00:5e:00:53:01, answers for 203.0.113.20 on this interface and for 203.0.113.21 on
 * another one.
 */
import type { SilenceReason } from './respond.ts';

export const VECTOR_MAC = '00:00:5e:00:53:01';
export const VECTOR_VIPS = { here: '203.0.113.20', elsewhere: '203.0.113.21' } as const;

export interface ArpVector {
  readonly name: string;
  readonly frame: Uint8Array;
  readonly fence?: 'expired';
  /** The reply as bytes, or why there is none. */
  readonly expected: Uint8Array | SilenceReason;
}

const BROADCAST = 'ff ff ff ff ff ff';
const OWN = '00 00 5e 00 53 01';
const CLIENT = '00 00 5e 00 53 99';
const OTHER = '00 00 5e 00 53 02';
const NO_MAC = '00 00 00 00 00 00';
const FIXED = '00 01 08 00 06 04';
const REQUEST = '00 01';
const REPLY = '00 02';
const IP_20 = 'cb 00 71 14';
const IP_21 = 'cb 00 71 15';
const IP_2 = 'cb 00 71 02';
const IP_99 = 'cb 00 71 63';
const NO_IP = '00 00 00 00';

const QUESTION = row(BROADCAST, CLIENT, '08 06', FIXED, REQUEST, CLIENT, IP_99, NO_MAC, IP_20);
const ANSWER = row(CLIENT, OWN, '08 06', FIXED, REPLY, OWN, IP_20, CLIENT, IP_99);

// biome-ignore format: a row is a frame in header order
export const ARP_VECTORS: readonly ArpVector[] = [
  { name: 'AR-02: answers a broadcast request', frame: QUESTION, expected: ANSWER },
  { name: 'AR-03: answers a unicast request to our MAC', frame: row(OWN, CLIENT, '08 06', FIXED, REQUEST, CLIENT, IP_99, OWN, IP_20), expected: ANSWER },
  { name: 'AR-03: ignores a unicast request to another host', frame: row(OTHER, CLIENT, '08 06', FIXED, REQUEST, CLIENT, IP_99, NO_MAC, IP_20), expected: 'other-destination' },
  { name: 'ignores a multicast destination', frame: row('01 00 5e 00 00 12', CLIENT, '08 06', FIXED, REQUEST, CLIENT, IP_99, NO_MAC, IP_20), expected: 'other-destination' },
  { name: 'AR-04: never answers a reply', frame: row(OWN, CLIENT, '08 06', FIXED, REPLY, CLIENT, IP_99, OWN, IP_20), expected: 'not-a-request' },
  { name: 'AR-05: stays silent for an address that is not ours', frame: row(BROADCAST, CLIENT, '08 06', FIXED, REQUEST, CLIENT, IP_99, NO_MAC, 'cb 00 71 16'), expected: 'unknown-target' },
  { name: 'AR-05: stays silent on an interface that is not allowed', frame: row(BROADCAST, CLIENT, '08 06', FIXED, REQUEST, CLIENT, IP_99, NO_MAC, IP_21), expected: 'other-interface' },
  { name: 'AR-11: matches exactly', frame: row(BROADCAST, CLIENT, '08 06', FIXED, REQUEST, CLIENT, IP_99, NO_MAC, IP_2), expected: 'unknown-target' },
  { name: 'AR-07: answers a probe', frame: row(BROADCAST, CLIENT, '08 06', FIXED, REQUEST, CLIENT, NO_IP, NO_MAC, IP_20), expected: row(CLIENT, OWN, '08 06', FIXED, REPLY, OWN, IP_20, CLIENT, NO_IP) },
  { name: 'AR-08: takes a foreign announcement in request form as a claim', frame: row(BROADCAST, CLIENT, '08 06', FIXED, REQUEST, CLIENT, IP_20, NO_MAC, IP_20), expected: 'foreign-claim' },
  { name: 'AR-08: takes a foreign announcement in reply form as a claim', frame: row(BROADCAST, CLIENT, '08 06', FIXED, REPLY, CLIENT, IP_20, CLIENT, IP_20), expected: 'foreign-claim' },
  { name: 'takes a question with our VIP as sender as a claim', frame: row(BROADCAST, CLIENT, '08 06', FIXED, REQUEST, CLIENT, IP_20, NO_MAC, IP_99), expected: 'foreign-claim' },
  { name: 'does not take a claim for a VIP of another interface as ours', frame: row(BROADCAST, CLIENT, '08 06', FIXED, REQUEST, CLIENT, IP_21, NO_MAC, IP_21), expected: 'other-interface' },
  { name: 'ignores its own announcement when the network reflects it', frame: row(BROADCAST, OWN, '08 06', FIXED, REQUEST, OWN, IP_20, NO_MAC, IP_20), expected: 'own-frame' },
  { name: 'ignores a sender without a MAC', frame: row(BROADCAST, CLIENT, '08 06', FIXED, REQUEST, NO_MAC, IP_99, NO_MAC, IP_20), expected: 'sender-hardware-addr' },
  { name: 'ignores a sender with a group MAC', frame: row(BROADCAST, CLIENT, '08 06', FIXED, REQUEST, BROADCAST, IP_99, NO_MAC, IP_20), expected: 'sender-hardware-addr' },
  { name: 'answers to the sender in the packet, as the kernel does', frame: row(BROADCAST, OTHER, '08 06', FIXED, REQUEST, CLIENT, IP_99, NO_MAC, IP_20), expected: ANSWER },
  { name: 'AR-09: drops hardware type 6', frame: row(BROADCAST, CLIENT, '08 06', '00 06 08 00 06 04', REQUEST, CLIENT, IP_99, NO_MAC, IP_20), expected: 'hardware-type' },
  { name: 'AR-09: drops protocol IPv6', frame: row(BROADCAST, CLIENT, '08 06', '00 01 86 dd 06 04', REQUEST, CLIENT, IP_99, NO_MAC, IP_20), expected: 'protocol-type' },
  { name: 'AR-09: drops hardware length 255', frame: row(BROADCAST, CLIENT, '08 06', '00 01 08 00 ff 04', REQUEST, CLIENT, IP_99, NO_MAC, IP_20), expected: 'address-length' },
  { name: 'AR-09: drops protocol length 3', frame: row(BROADCAST, CLIENT, '08 06', '00 01 08 00 06 03', REQUEST, CLIENT, IP_99, NO_MAC, IP_20), expected: 'address-length' },
  { name: 'drops operation 0', frame: row(BROADCAST, CLIENT, '08 06', FIXED, '00 00', CLIENT, IP_99, NO_MAC, IP_20), expected: 'operation' },
  { name: 'drops operation 3', frame: row(BROADCAST, CLIENT, '08 06', FIXED, '00 03', CLIENT, IP_99, NO_MAC, IP_20), expected: 'operation' },
  { name: 'AR-10: drops an empty frame', frame: new Uint8Array(0), expected: 'short-frame' },
  { name: 'AR-10: drops another EtherType', frame: row(BROADCAST, CLIENT, '08 00', FIXED, REQUEST, CLIENT, IP_99, NO_MAC, IP_20), expected: 'other-ethertype' },
  { name: 'AR-10: drops a tagged frame that the kernel left tagged', frame: row(BROADCAST, CLIENT, '81 00 00 0a 08 06', FIXED, REQUEST, CLIENT, IP_99, NO_MAC, IP_20), expected: 'other-ethertype' },
  { name: 'AR-10: ignores padding to 60 bytes', frame: padded(QUESTION), expected: ANSWER },
  ...truncations(QUESTION),
  { name: 'stays silent when the fence ran out', frame: QUESTION, fence: 'expired', expected: 'fenced' },
  { name: 'notices a claim also when the fence ran out', frame: row(BROADCAST, CLIENT, '08 06', FIXED, REQUEST, CLIENT, IP_20, NO_MAC, IP_20), fence: 'expired', expected: 'foreign-claim' },
];

function row(...fields: string[]): Uint8Array {
  return Uint8Array.from(fields.join(' ').split(' '), (byte) => Number.parseInt(byte, 16));
}

function padded(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(60).fill(0x55);
  bytes.set(frame);
  return bytes;
}

function truncations(frame: Uint8Array): ArpVector[] {
  return Array.from({ length: frame.length }, (_, length) => ({
    name: `AR-10: drops a question cut after ${length} bytes`,
    frame: frame.slice(0, length),
    expected: length < 14 ? 'short-frame' : 'truncated',
  }));
}
