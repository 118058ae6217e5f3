// SPDX-License-Identifier: Apache-2.0
/**
 * Frames with neighbor discovery and what a node must do with them, for tests: the decision in TypeScript, the one in C
 * and the program in the kernel are held to this table. The node has MAC 00:00:5e:00:53:01, answers for 2001:db8:5::7
 * on this interface and for 2001:db8:5::8 on another one. Checksums of questions are computed here by the plainest
 * means; those of answers are written out.
 */
import type { NdpSilenceReason } from './respond-ndp.ts';

export const NDP_VECTOR_VIPS = { here: '2001:db8:5::7', elsewhere: '2001:db8:5::8' } as const;

export interface NdpVector {
  readonly name: string;
  readonly frame: Uint8Array;
  readonly fence?: 'expired';
  /** The advertisement as bytes, or why there is none. */
  readonly expected: Uint8Array | NdpSilenceReason;
}

const OWN = '00 00 5e 00 53 01';
const CLIENT = '00 00 5e 00 53 99';
const OTHER = '00 00 5e 00 53 02';
const NO_MAC = '00 00 00 00 00 00';
const GROUP_MAC = '33 33 ff 00 00 07';
const ALL_NODES_MAC = '33 33 00 00 00 01';

const NET = '20 01 0d b8 00 05 00 00 00 00 00 00 00 00 00';
const VIP_7 = `${NET} 07`;
const VIP_8 = `${NET} 08`;
const VIP_9 = `${NET} 09`;
const CLIENT_IP = `${NET} 99`;
const UNSPECIFIED = '00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00';
const MAPPED = '00 00 00 00 00 00 00 00 00 00 ff ff cb 00 71 14';
const GROUP_7 = 'ff 02 00 00 00 00 00 00 00 00 00 01 ff 00 00 07';
const GROUP_8 = 'ff 02 00 00 00 00 00 00 00 00 00 01 ff 00 00 08';
const ALL_NODES = 'ff 02 00 00 00 00 00 00 00 00 00 00 00 00 00 01';

const SOLICITATION = '87 00 00 00 00 00 00 00';
const UNSOLICITED = '88 00 00 00 20 00 00 00';
const SOLICITED = '88 00 00 00 60 00 00 00';
const FROM_CLIENT = `01 01 ${CLIENT}`;
const AT_CLIENT = `02 01 ${CLIENT}`;
const NONCE = '0e 01 01 02 03 04 05 06';
const IPV6 = '60 00 00 00';
const TYPE_IPV6 = '86 dd';
const ICMPV6_FROM_255 = '3a ff';

interface Parts {
  readonly to?: string;
  readonly from?: string;
  readonly type?: string;
  readonly version?: string;
  readonly next?: string;
  readonly source?: string;
  readonly destination?: string;
  readonly message?: string;
  readonly target?: string;
  readonly options?: string;
}

const QUESTION = question({});
const ANSWER = row(
  CLIENT,
  OWN,
  TYPE_IPV6,
  IPV6,
  '00 20',
  ICMPV6_FROM_255,
  VIP_7,
  CLIENT_IP,
  '88 00 da c0 60 00 00 00',
  VIP_7,
  '02 01',
  OWN,
);
const ANSWER_TO_ALL = row(
  ALL_NODES_MAC,
  OWN,
  TYPE_IPV6,
  IPV6,
  '00 20',
  ICMPV6_FROM_255,
  VIP_7,
  ALL_NODES,
  '88 00 4a 14 20 00 00 00',
  VIP_7,
  '02 01',
  OWN,
);

// biome-ignore format: a row is one case
export const NDP_VECTORS: readonly NdpVector[] = [
  { name: 'ND-04: answers a question to the solicited-node group', frame: QUESTION, expected: ANSWER },
  { name: 'ND-04: answers to the address in the option', frame: question({ from: OTHER }), expected: ANSWER },
  { name: 'ND-06: answers duplicate detection to all nodes', frame: question({ source: UNSPECIFIED, options: '' }), expected: ANSWER_TO_ALL },
  { name: 'ND-06: answers duplicate detection with a nonce (RFC 7527)', frame: question({ source: UNSPECIFIED, options: NONCE }), expected: ANSWER_TO_ALL },
  { name: 'ND-07: answers a unicast question without an option', frame: question({ to: OWN, destination: VIP_7, options: '' }), expected: ANSWER },
  { name: 'answers a unicast question with an option', frame: question({ to: OWN, destination: VIP_7 }), expected: ANSWER },
  { name: 'answers a question to all nodes', frame: question({ to: ALL_NODES_MAC, destination: ALL_NODES }), expected: ANSWER },
  { name: 'ignores options that it does not know', frame: question({ options: `${NONCE} ${FROM_CLIENT} ff 02 ${NONCE} 00 00 00 00 00 00` }), expected: ANSWER },
  { name: 'takes the last of two addresses', frame: question({ options: `01 01 ${OTHER} ${FROM_CLIENT}` }), expected: ANSWER },
  { name: 'ignores padding', frame: row(bytesOf(QUESTION), '55 55 55 55'), expected: ANSWER },
  { name: 'ignores traffic class and flow label', frame: question({ version: '6f ff ff ff' }), expected: ANSWER },
  { name: 'reads a question of the greatest length', frame: question({ options: Array(12).fill(FROM_CLIENT).join(' ') }), expected: ANSWER },
  { name: 'drops a longer question', frame: question({ options: Array(13).fill(FROM_CLIENT).join(' ') }), expected: 'oversized' },
  { name: 'ignores a question to another host', frame: question({ to: OTHER }), expected: 'other-destination' },
  { name: 'ignores a broadcast', frame: question({ to: 'ff ff ff ff ff ff' }), expected: 'other-destination' },
  { name: 'drops another EtherType', frame: question({ type: '08 06' }), expected: 'other-ethertype' },
  { name: 'drops a tagged frame that the kernel left tagged', frame: question({ type: '81 00 00 0a 86 dd' }), expected: 'other-ethertype' },
  { name: 'drops IP version 4', frame: question({ version: '40 00 00 00' }), expected: 'ip-version' },
  { name: 'drops UDP', frame: question({ next: '11 ff' }), expected: 'next-header' },
  { name: 'drops a question behind a hop-by-hop header', frame: question({ next: '00 ff' }), expected: 'next-header' },
  { name: 'drops a router solicitation', frame: question({ message: '85 00 00 00 00 00 00 00' }), expected: 'icmpv6-type' },
  { name: 'ND-10: drops an unknown type', frame: question({ message: 'c8 00 00 00 00 00 00 00' }), expected: 'icmpv6-type' },
  { name: 'ND-08: drops hop limit 254', frame: question({ next: '3a fe' }), expected: 'hop-limit' },
  { name: 'ND-08: drops hop limit 1', frame: question({ next: '3a 01' }), expected: 'hop-limit' },
  { name: 'ND-09: drops code 1', frame: question({ message: '87 01 00 00 00 00 00 00' }), expected: 'code' },
  { name: 'ND-09: drops a wrong checksum', frame: spoiled(QUESTION), expected: 'checksum' },
  { name: 'ND-09: drops a message of 23 bytes', frame: short(23), expected: 'truncated' },
  { name: 'ND-10: drops a message of 4 bytes', frame: short(4), expected: 'truncated' },
  { name: 'ND-10: drops a message of no bytes', frame: short(0), expected: 'truncated' },
  { name: 'ND-09: drops a multicast target', frame: question({ target: GROUP_7 }), expected: 'multicast-target' },
  { name: 'ND-10: drops an IPv4-mapped target', frame: question({ target: MAPPED }), expected: 'mapped-target' },
  { name: 'ND-09: drops an option of length 0', frame: question({ options: `01 00 ${CLIENT}` }), expected: 'option-length' },
  { name: 'ND-09: drops an option of length 0 behind a good one', frame: question({ options: `${FROM_CLIENT} 0e 00 01 02 03 04 05 06` }), expected: 'option-length' },
  { name: 'ND-10: drops an option longer than the message', frame: question({ options: `01 02 ${CLIENT}` }), expected: 'option-length' },
  { name: 'ND-10: drops a MAC address of 14 bytes', frame: question({ options: `01 02 ${CLIENT} ${NONCE}` }), expected: 'option-length' },
  { name: 'ND-10: drops a rest too short for an option', frame: question({ options: `${FROM_CLIENT} 01 01` }), expected: 'option-length' },
  { name: 'ND-10: drops half a unit', frame: question({ options: '01 01 00 00' }), expected: 'option-length' },
  { name: 'ND-10: drops one byte of an option', frame: question({ options: '01' }), expected: 'option-length' },
  { name: 'ND-10: drops a question with a target address option', frame: question({ options: AT_CLIENT }), expected: 'option-direction' },
  { name: 'ND-10: drops an advertisement with a source address option', frame: question({ message: UNSOLICITED, options: FROM_CLIENT }), expected: 'option-direction' },
  { name: 'drops a multicast source', frame: question({ source: ALL_NODES }), expected: 'multicast-source' },
  { name: 'ND-09: drops `::` to a unicast address', frame: question({ to: OWN, source: UNSPECIFIED, destination: VIP_7, options: '' }), expected: 'unspecified-source' },
  { name: 'ND-09: drops `::` to all nodes', frame: question({ source: UNSPECIFIED, destination: ALL_NODES, options: '' }), expected: 'unspecified-source' },
  { name: 'ND-09: drops `::` with a source address option', frame: question({ source: UNSPECIFIED }), expected: 'unspecified-source' },
  { name: 'drops an advertisement to all nodes that says it was asked for', frame: question({ message: SOLICITED, destination: ALL_NODES, options: AT_CLIENT }), expected: 'solicited-flag' },
  { name: 'ignores an asker without a MAC', frame: question({ options: `01 01 ${NO_MAC}` }), expected: 'sender-hardware-addr' },
  { name: 'ignores an asker with a group MAC', frame: question({ from: GROUP_MAC, options: '' }), expected: 'sender-hardware-addr' },
  { name: 'ignores its own question when the network reflects it', frame: question({ from: OWN, options: '' }), expected: 'own-frame' },
  { name: 'ignores its own announcement when the network reflects it', frame: question({ from: OWN, to: ALL_NODES_MAC, message: UNSOLICITED, source: VIP_7, destination: ALL_NODES, options: `02 01 ${OWN}` }), expected: 'own-frame' },
  { name: 'takes a foreign announcement as a claim', frame: question({ to: ALL_NODES_MAC, message: UNSOLICITED, source: VIP_7, destination: ALL_NODES, options: AT_CLIENT }), expected: 'foreign-claim' },
  { name: 'takes a foreign answer without an option as a claim', frame: question({ to: OWN, message: SOLICITED, destination: VIP_9, options: '' }), expected: 'foreign-claim' },
  { name: 'takes a question with our VIP as source as a claim', frame: question({ source: VIP_7, target: VIP_9 }), expected: 'foreign-claim' },
  { name: 'does not take a claim for a VIP of another interface as ours', frame: question({ message: UNSOLICITED, destination: ALL_NODES, target: VIP_8, options: AT_CLIENT }), expected: 'not-a-request' },
  { name: 'never answers an advertisement', frame: question({ message: UNSOLICITED, destination: ALL_NODES, target: VIP_9, options: AT_CLIENT }), expected: 'not-a-request' },
  { name: 'stays silent for an address that is not ours', frame: question({ target: VIP_9 }), expected: 'unknown-target' },
  { name: 'stays silent on an interface that is not allowed', frame: question({ destination: GROUP_8, target: VIP_8 }), expected: 'other-interface' },
  ...truncations(QUESTION),
  { name: 'stays silent when the fence ran out', frame: QUESTION, fence: 'expired', expected: 'fenced' },
  { name: 'notices a claim also when the fence ran out', frame: question({ source: VIP_7, target: VIP_9 }), fence: 'expired', expected: 'foreign-claim' },
];

/** A good question of the client for the VIP, with some parts replaced. Its checksum is right for what it says. */
function question(parts: Parts): Uint8Array {
  const { source = CLIENT_IP, destination = GROUP_7, options = FROM_CLIENT } = parts;
  const message = row(parts.message ?? SOLICITATION, parts.target ?? VIP_7, options);
  const sum = checksum(row(source, destination, '00 00', hex16(message.length), '00 00 00 3a'), message);
  message.set([sum >> 8, sum & 0xff], 2);
  const ethernet = [parts.to ?? GROUP_MAC, parts.from ?? CLIENT, parts.type ?? TYPE_IPV6];
  const length = hex16(message.length);
  const ip = [parts.version ?? IPV6, length, parts.next ?? ICMPV6_FROM_255, source, destination];
  return row(...ethernet, ...ip, bytesOf(message));
}

/** A question whose IPv6 payload is this short. */
function short(length: number): Uint8Array {
  const frame = QUESTION.slice(0, 14 + 40 + length);
  frame[14 + 5] = length;
  return frame;
}

function spoiled(frame: Uint8Array): Uint8Array {
  const copy = frame.slice();
  copy[14 + 40 + 3] = (copy[14 + 40 + 3] ?? 0) ^ 1;
  return copy;
}

function truncations(frame: Uint8Array): NdpVector[] {
  return Array.from({ length: frame.length }, (_, length) => ({
    name: `ND-10: drops a question cut after ${length} bytes`,
    frame: frame.slice(0, length),
    expected: length < 14 ? 'short-frame' : 'truncated',
  }));
}

function checksum(...parts: readonly Uint8Array[]): number {
  const bytes = parts.flatMap((part) => [...part]);
  let sum = 0;
  for (const [index, byte] of bytes.entries()) sum += index % 2 === 0 ? byte * 256 : byte;
  return 0xffff - (sum % 0xffff || 0xffff);
}

function hex16(value: number): string {
  return bytesOf(Uint8Array.of(value >> 8, value & 0xff));
}

function bytesOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function row(...fields: string[]): Uint8Array {
  const text = fields.join(' ').trim();
  return Uint8Array.from(text.split(/ +/), (byte) => Number.parseInt(byte, 16));
}
