// SPDX-License-Identifier: Apache-2.0
/** Heartbeats between what the state machine says and what is on the wire: Ethernet header, envelope, tag. */
import {
  decodeEthernet,
  encodeEthernet,
  encodeHeartbeat,
  HEARTBEAT_ETHER_TYPE,
  HEARTBEAT_GROUP_MAC,
  HEARTBEAT_TAG_BYTES,
  type HeartbeatBody,
  type Identity,
  MacAddress,
  type Opened,
  openHeartbeat,
} from '@berth/core';
import type { HeartbeatKeys } from './heartbeat-keys.ts';

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

/** Reads and verifies a whole frame. Its length was checked by the socket's slot, everything else is checked here. */
export function openFrame(source: HeartbeatSource, frame: Uint8Array): Opened {
  const ethernet = decodeEthernet(frame);
  if (!ethernet.ok || ethernet.frame.etherType !== HEARTBEAT_ETHER_TYPE) return { ok: false, reason: 'truncated' };
  return openHeartbeat(ethernet.frame.payload, { clusterId: source.clusterId, verifier: source.keys() });
}

function groupAddress(): MacAddress {
  const parsed = MacAddress.parse(HEARTBEAT_GROUP_MAC);
  if (!parsed.ok) throw new Error(`speaker: heartbeat group: ${parsed.reason}`);
  return parsed.value;
}
