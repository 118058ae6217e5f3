// SPDX-License-Identifier: Apache-2.0
/**
 * The heartbeat of Berth's membership protocol as bytes (docs/design/0010-membership-protocol.md, section 3). A frame
 * is a fixed header, the sender's node name, sections, and a tag. This file lays out and checks bytes; it computes no
 * tag, since core has no cryptography. Numbers are in network order.
 */
import { MAC_LENGTH_BYTES, MacAddress } from '../net/mac-address.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { HEARTBEAT_MAX_BYTES, HEARTBEAT_OFFSET, HEARTBEAT_TAG_BYTES, HEARTBEAT_VERSION } from './heartbeat-layout.ts';
import type { HeartbeatSections } from './heartbeat-section.ts';
import { readSections } from './read-sections.ts';
import { writeSections } from './write-sections.ts';

export * from './heartbeat-layout.ts';

/** `BRTH`. */
const MAGIC = 0x42525448;
/** A name of one character and no section. */
const MIN_BYTES = HEARTBEAT_OFFSET.NODE + 1 + HEARTBEAT_TAG_BYTES;
/** A DNS subdomain (RFC 1123), as names of nodes are. */
const MAX_NODE_CHARACTERS = 253;
const NODE_NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** What a sender is up to. The order is the number on the wire, from 1. */
export const HEARTBEAT_PHASES = ['listening', 'active', 'leaving', 'gone'] as const;

export type HeartbeatPhase = (typeof HEARTBEAT_PHASES)[number];

/**
 * In the flags: others should go before this node; it hears no one at all; it was cut off again and again; it breaks no
 * connection when a VIP moves on purpose.
 */
const FLAG = { UNFIT: 1, CUT_OFF: 2, UNSTEADY: 4, KEEPS_CONNECTIONS: 8 } as const;

/** Whether a sender could serve clients by what it knows of itself, such as a kube-proxy that is dead. */
export type NodeFitness = 'fit' | 'unfit';

/** Sender, key and frame counter. */
export interface HeartbeatEnvelope {
  /** 16 hex digits, the same for all nodes of one cluster. */
  readonly clusterId: string;
  /** Identifier of the key that the tag was made with. */
  readonly keyId: number;
  /** Identifier of the newest key that the sender has. */
  readonly newestKeyId: number;
  /** 16 hex digits, random for each start of the process. */
  readonly bootId: string;
  /** Grows with each frame of the process, over all its interfaces; below 2 ** 48, from 1. */
  readonly counter: number;
  /** Number of the sending interface, 1 to 65,535. */
  readonly port: number;
  readonly mac: MacAddress;
}

/** What a sender says. */
export interface HeartbeatBody extends HeartbeatSections {
  readonly phase: HeartbeatPhase;
  /** Since minor version 1; before that everybody is fit. */
  readonly fitness: NodeFitness;
  /** It hears neither members nor witnesses. Since minor version 2. */
  readonly isCutOff?: boolean | undefined;
  /** It was cut off more than once lately: others go before it, and its claims are weak. Since minor version 2. */
  readonly isUnsteady?: boolean | undefined;
  /** No connection breaks where it hands over a VIP on purpose or takes one. Older speakers never say so. */
  readonly keepsConnections?: boolean | undefined;
  /** Time between two heartbeats of the sender. */
  readonly intervalMs: number;
  /** The sender counts as dead when nothing was heard of it for this long. */
  readonly deadAfterMs: number;
  /** Version of the full list of claims. */
  readonly claimsVersion: number;
  /** Version of the full list of members heard. */
  readonly viewVersion: number;
  /** Number of claims in the full list. */
  readonly claimCount: number;
  readonly node: string;
}

export interface Heartbeat extends HeartbeatEnvelope, HeartbeatBody {}

/** Why bytes are not a heartbeat of this version, in the order in which they are looked at. */
export type HeartbeatDropReason =
  /** They end before the frame says that it does, or before any frame could. */
  | 'truncated'
  | 'magic'
  | 'version'
  /** A length inside the frame leads out of it, or a section does not end where it says. */
  | 'lying-length'
  /** A value that no sender can mean. */
  | 'malformed';

export interface SealedHeartbeat {
  readonly clusterId: string;
  readonly keyId: number;
  /** Who says to have sent it; not verified yet. Undefined: a value that no sender can mean. */
  readonly sender: Pick<HeartbeatEnvelope, 'bootId' | 'counter' | 'port' | 'mac'> | undefined;
  /** What the tag covers: everything before it. A view. */
  readonly signed: Uint8Array;
  /** A view. */
  readonly tag: Uint8Array;
}

export type Drop<Reason> = { readonly ok: false; readonly reason: Reason };

export type SealedDecoded = { readonly ok: true; readonly sealed: SealedHeartbeat } | Drop<HeartbeatDropReason>;

export type HeartbeatDecoded = { readonly ok: true; readonly heartbeat: Heartbeat } | Drop<HeartbeatDropReason>;

/**
 * The frame without its Ethernet header, the last 16 bytes left zero for the tag over what is before them. A fresh
 * buffer. Throws a RangeError for what does not fit in {@link HEARTBEAT_MAX_BYTES}: the sender splits its lists before.
 */
export function encodeHeartbeat(heartbeat: Heartbeat): Uint8Array {
  const writer = new ByteWriter(HEARTBEAT_MAX_BYTES);
  writer.u32(MAGIC);
  writer.u8(HEARTBEAT_VERSION.MAJOR);
  writer.u8(HEARTBEAT_VERSION.MINOR);
  writer.u16(0);
  writeEnvelope(writer, heartbeat);
  writeBody(writer, heartbeat);
  writeSections(writer, heartbeat);
  writer.raw(new Uint8Array(HEARTBEAT_TAG_BYTES));
  writer.patchU16(HEARTBEAT_OFFSET.LENGTH, writer.length);
  return writer.done();
}

/**
 * Checks what can be checked before the tag is: magic, version, length. Bytes after the length that is stated are
 * padding.
 */
export function decodeSealed(bytes: Uint8Array): SealedDecoded {
  if (bytes.length < HEARTBEAT_OFFSET.CLUSTER) return drop('truncated');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(HEARTBEAT_OFFSET.MAGIC) !== MAGIC) return drop('magic');
  if (view.getUint8(HEARTBEAT_OFFSET.MAJOR) !== HEARTBEAT_VERSION.MAJOR) return drop('version');
  const length = view.getUint16(HEARTBEAT_OFFSET.LENGTH);
  if (length > bytes.length) return drop('truncated');
  if (length < MIN_BYTES || length > HEARTBEAT_MAX_BYTES) return drop('lying-length');
  const signed = bytes.subarray(0, length - HEARTBEAT_TAG_BYTES);
  const reader = new ByteReader(signed.subarray(HEARTBEAT_OFFSET.CLUSTER));
  const clusterId = reader.id64() ?? '';
  const keyId = reader.u32() ?? 0;
  reader.u32();
  const sender = readSender(reader);
  const tag = bytes.subarray(length - HEARTBEAT_TAG_BYTES, length);
  return { ok: true, sealed: { clusterId, keyId, sender, signed, tag } };
}

/** Reads what the tag was found to cover; to be called for verified bytes only. */
export function decodeHeartbeat(signed: Uint8Array): HeartbeatDecoded {
  const reader = new ByteReader(signed.subarray(HEARTBEAT_OFFSET.CLUSTER));
  const envelope = readEnvelope(reader);
  const facts = readFacts(reader);
  if (!envelope || !facts) return drop('malformed');
  const nodeLength = reader.u8() ?? 0;
  const name = reader.raw(nodeLength);
  if (!name) return drop('lying-length');
  const node = String.fromCharCode(...name);
  if (nodeLength > MAX_NODE_CHARACTERS || !NODE_NAME.test(node)) return drop('malformed');
  const sections = readSections(reader, signed[HEARTBEAT_OFFSET.MINOR] ?? 0);
  if (!sections.ok) return sections;
  return { ok: true, heartbeat: { ...envelope, ...facts, node, ...sections.sections } };
}

function writeEnvelope(writer: ByteWriter, envelope: HeartbeatEnvelope): void {
  writer.id64(envelope.clusterId);
  writer.u32(envelope.keyId);
  writer.u32(envelope.newestKeyId);
  writer.id64(envelope.bootId);
  writer.u48(envelope.counter);
  writer.u16(envelope.port);
  writer.raw(envelope.mac.toBytes());
}

function writeBody(writer: ByteWriter, body: HeartbeatBody): void {
  writer.u8(HEARTBEAT_PHASES.indexOf(body.phase) + 1);
  writer.u8(flagsOf(body));
  writer.u16(body.intervalMs);
  writer.u16(body.deadAfterMs);
  writer.u32(body.claimsVersion);
  writer.u32(body.viewVersion);
  writer.u16(body.claimCount);
  writer.u8(body.node.length);
  writer.raw(Uint8Array.from(body.node, (character) => character.charCodeAt(0)));
}

function flagsOf({ fitness, isCutOff, isUnsteady, keepsConnections }: HeartbeatBody): number {
  const unfit = fitness === 'unfit' ? FLAG.UNFIT : 0;
  const keeps = keepsConnections ? FLAG.KEEPS_CONNECTIONS : 0;
  return unfit | keeps | (isCutOff ? FLAG.CUT_OFF : 0) | (isUnsteady ? FLAG.UNSTEADY : 0);
}

function readEnvelope(reader: ByteReader): HeartbeatEnvelope | undefined {
  const clusterId = reader.id64();
  const keyId = reader.u32();
  const newestKeyId = reader.u32();
  const sender = readSender(reader);
  if (clusterId === undefined || keyId === undefined || newestKeyId === undefined || !sender) return undefined;
  return { clusterId, keyId, newestKeyId, ...sender };
}

function readSender(reader: ByteReader): SealedHeartbeat['sender'] {
  const bootId = reader.id64();
  const counter = reader.u48();
  const port = reader.u16();
  const mac = MacAddress.fromBytes(reader.raw(MAC_LENGTH_BYTES) ?? new Uint8Array());
  if (bootId === undefined || !counter || !port || !mac || mac.isMulticast || mac.isZero) return undefined;
  return { bootId, counter, port, mac };
}

function readFacts(reader: ByteReader): Omit<HeartbeatBody, keyof HeartbeatSections | 'node'> | undefined {
  const phase = HEARTBEAT_PHASES[(reader.u8() ?? 0) - 1];
  // Whatever else a later minor version sets there is ignored.
  const flags = reader.u8() ?? 0;
  const fitness = (flags & FLAG.UNFIT) === 0 ? 'fit' : 'unfit';
  const isCutOff = (flags & FLAG.CUT_OFF) !== 0;
  const isUnsteady = (flags & FLAG.UNSTEADY) !== 0;
  const keepsConnections = (flags & FLAG.KEEPS_CONNECTIONS) !== 0;
  const intervalMs = reader.u16();
  const deadAfterMs = reader.u16();
  const claimsVersion = reader.u32();
  const viewVersion = reader.u32();
  const claimCount = reader.u16();
  if (phase === undefined || claimsVersion === undefined || viewVersion === undefined || claimCount === undefined)
    return undefined;
  if (!intervalMs || !deadAfterMs || deadAfterMs < intervalMs) return undefined;
  return {
    ...{ phase, fitness, isCutOff, isUnsteady, keepsConnections, intervalMs, deadAfterMs },
    ...{ claimsVersion, viewVersion, claimCount },
  };
}

function drop<Reason>(reason: Reason): Drop<Reason> {
  return { ok: false, reason };
}
