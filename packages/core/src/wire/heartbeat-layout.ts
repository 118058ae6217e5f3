// SPDX-License-Identifier: Apache-2.0
/**
 * Where a heartbeat goes, how large it is, and where its fixed fields are (docs/design/0010-membership-protocol.md).
 */

/** IEEE 802 Local Experimental EtherType 1 (IEEE Std 802-2014, 9.2.4). */
export const HEARTBEAT_ETHER_TYPE = 0x88b5;

/**
 * The group that heartbeats go to: the Ethernet form of 224.0.0.254, which RFC 4727 sets aside for experiments. It lies
 * in the block that switches flood whatever IGMP snooping says (RFC 4541, 2.1.2).
 */
export const HEARTBEAT_GROUP_MAC = '01:00:5e:00:00:fe';

/** Most bytes of a heartbeat, tag included: every link that carries IPv6 takes them in one frame (RFC 8200, 5). */
export const HEARTBEAT_MAX_BYTES = 1280;

/** HMAC-SHA-256 cut to 128 bits (RFC 2104, 5). */
export const HEARTBEAT_TAG_BYTES = 16;

/** The major version that this code speaks; another one is dropped. Minor versions add sections, which others skip. */
export const HEARTBEAT_VERSION = { MAJOR: 1, MINOR: 3 } as const;

/** Offsets from the first byte after the Ethernet header. The native sender patches `COUNTER` in place. */
export const HEARTBEAT_OFFSET = {
  MAGIC: 0,
  MAJOR: 4,
  MINOR: 5,
  LENGTH: 6,
  CLUSTER: 8,
  KEY: 16,
  NEWEST_KEY: 20,
  BOOT: 24,
  COUNTER: 32,
  PORT: 38,
  MAC: 40,
  PHASE: 46,
  FLAGS: 47,
  INTERVAL: 48,
  DEAD_AFTER: 50,
  CLAIMS_VERSION: 52,
  VIEW_VERSION: 56,
  CLAIM_COUNT: 60,
  NODE_LENGTH: 62,
  NODE: 63,
} as const;
