// SPDX-License-Identifier: Apache-2.0
/**
 * From bytes to a heartbeat that may be believed. Cheap checks come first, who sent it and with which counter among
 * them, nothing is kept of a frame that fails one, and so ten thousand forged senders cost a hash each and no memory,
 * and a frame that was heard before not even that. The hash itself is computed by whoever implements {@link
 * TagVerifier}.
 */
import { decodeHeartbeat, decodeSealed, type Heartbeat, type HeartbeatDropReason } from '../wire/heartbeat.ts';
import type { FrameSender } from './identity.ts';

/** Compares the tag with HMAC-SHA-256 over the signed bytes, in constant time. */
export interface TagVerifier {
  verify(keyId: number, signed: Uint8Array, tag: Uint8Array): TagCheck;
}

export type TagCheck = 'valid' | 'unknown-key' | 'wrong-key';

export interface IntakeOptions<Reason = never> {
  /** 16 hex digits. */
  readonly clusterId: string;
  readonly verifier: TagVerifier;
  /** Why a frame of this sender is not looked at any further. Default: never. */
  problemOf?(sender: FrameSender): Reason | undefined;
}

/** Why bytes are no heartbeat for this node, before the state machine sees them. */
export type IntakeDropReason =
  | HeartbeatDropReason
  /** Another cluster lives on this segment. */
  | 'other-cluster'
  /** Sent with a key that this node does not have: a rotation that went too fast, or a stranger. */
  | 'unknown-key'
  /** The tag is not that of the key that it names: forged or damaged. */
  | 'wrong-key';

export type Opened<Reason = never> =
  | { readonly ok: true; readonly heartbeat: Heartbeat }
  | { readonly ok: false; readonly reason: IntakeDropReason | Reason };

/** Reads the payload of a frame with the heartbeat's EtherType. */
export function openHeartbeat<Reason = never>(bytes: Uint8Array, options: IntakeOptions<Reason>): Opened<Reason> {
  const { clusterId, verifier } = options;
  const decoded = decodeSealed(bytes);
  if (!decoded.ok) return decoded;
  const { sealed } = decoded;
  // Looked at before the key, so that a second cluster is told from a forger; a liar gains nothing by it.
  if (sealed.clusterId !== clusterId) return { ok: false, reason: 'other-cluster' };
  const problem = sealed.sender && options.problemOf?.(sealed.sender);
  if (problem !== undefined) return { ok: false, reason: problem };
  const check = verifier.verify(sealed.keyId, sealed.signed, sealed.tag);
  if (check !== 'valid') return { ok: false, reason: check };
  return decodeHeartbeat(sealed.signed);
}
