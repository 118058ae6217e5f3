// SPDX-License-Identifier: Apache-2.0
/** Heartbeats between what the state machine says and what is on the wire: Ethernet header, envelope, tag. */
import {
  decodeEthernet,
  encodeEthernet,
  encodeHeartbeat,
  type FrameDropReason,
  type FrameSender,
  HEARTBEAT_ETHER_TYPE,
  HEARTBEAT_GROUP_MAC,
  HEARTBEAT_TAG_BYTES,
  type HeartbeatBody,
  type Identity,
  MacAddress,
  type Opened,
  openHeartbeat,
} from '@berth/core';
import type { HeartbeatKeys } from '../cluster/heartbeat-keys.ts';

/** Where heartbeats go. */
export const HEARTBEAT_GROUP = groupAddress();

/** What all segments of one process share. */
export interface HeartbeatSource {
  /** 16 hex digits. */
  readonly clusterId: string;
  /** Read anew for each frame, since a Secret may change. */
  keys(): HeartbeatKeys;
  /** The number of the next frame, over all segments. */
  nextCounter(): number;
}

/** A whole frame, signed with this key if it is known, else with the newest. */
export function sealFrame(source: HeartbeatSource, self: Identity, body: HeartbeatBody, keyId: number): Uint8Array {
  const keys = source.keys();
  const key = keys.find(keyId) ?? keys.newest;
  const bytes = encodeHeartbeat({
    ...body,
    clusterId: source.clusterId,
    keyId: key.id,
    newestKeyId: keys.newest.id,
    bootId: self.bootId,
    counter: source.nextCounter(),
    port: self.port,
    mac: self.mac,
  });
  const signedLength = bytes.length - HEARTBEAT_TAG_BYTES;
  bytes.set(key.tag(bytes.subarray(0, signedLength)), signedLength);
  return encodeEthernet({
    destination: HEARTBEAT_GROUP,
    source: self.mac,
    etherType: HEARTBEAT_ETHER_TYPE,
    payload: bytes,
  });
}

/** Why a frame is dropped before its tag is looked at, beside what core says. */
export type ArrivalProblem = FrameDropReason | 'relayed';

/** Says why a frame of this sender is not looked at any further. */
export type SenderCheck = (sender: FrameSender) => ArrivalProblem | undefined;

/**
 * Reads and verifies a whole frame. Its length was checked by the socket's slot, everything else is checked here: the
 * station that sent it must be the one that it names, or somebody relays it.
 */
export function openFrame(source: HeartbeatSource, frame: Uint8Array, check?: SenderCheck): Opened<ArrivalProblem> {
  const ethernet = decodeEthernet(frame);
  if (!ethernet.ok || ethernet.frame.etherType !== HEARTBEAT_ETHER_TYPE) return { ok: false, reason: 'truncated' };
  const station = ethernet.frame.source;
  return openPayload(source, ethernet.frame.payload, (sender) =>
    sender.mac.equals(station) ? check?.(sender) : 'relayed',
  );
}

/** Reads and verifies a heartbeat without its Ethernet header. */
export function openPayload(source: HeartbeatSource, payload: Uint8Array, check?: SenderCheck): Opened<ArrivalProblem> {
  const { clusterId } = source;
  return openHeartbeat(payload, { clusterId, verifier: source.keys(), ...(check && { problemOf: check }) });
}

function groupAddress(): MacAddress {
  const parsed = MacAddress.parse(HEARTBEAT_GROUP_MAC);
  if (!parsed.ok) throw new Error(`speaker: heartbeat group: ${parsed.reason}`);
  return parsed.value;
}
