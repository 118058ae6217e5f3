// SPDX-License-Identifier: Apache-2.0
/**
 * From bytes to a heartbeat that may be believed. Cheap checks come first, nothing is kept of a frame that fails one, and so ten
 * thousand forged senders cost a hash each and no memory. The hash itself is computed by whoever implements {@link TagVerifier}.
 */
import { decodeHeartbeat, decodeSealed, type Heartbeat, type HeartbeatDropReason } from '../wire/heartbeat.ts';

/** Compares the tag with HMAC-SHA-256 over the signed bytes, in constant time. */
export interface TagVerifier {
  verify(keyId: number, signed: Uint8Array, tag: Uint8Array): TagVerdict;
}

export type TagVerdict = 'valid' | 'unknown-key' | 'wrong-key';

export interface IntakeOptions {
  /** 16 hex digits. */
  readonly clusterId: string;
  readonly verifier: TagVerifier;
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

export type Opened =
  | { readonly ok: true; readonly heartbeat: Heartbeat }
  | { readonly ok: false; readonly reason: IntakeDropReason };

/** Reads the payload of a frame with the heartbeat's EtherType. */
export function openHeartbeat(bytes: Uint8Array, { clusterId, verifier }: IntakeOptions): Opened {
  const decoded = decodeSealed(bytes);
  if (!decoded.ok) return decoded;
  const { sealed } = decoded;
  // Looked at before the key, so that a second cluster is told from a forger; a liar gains nothing by it.
  if (sealed.clusterId !== clusterId) return { ok: false, reason: 'other-cluster' };
  const verdict = verifier.verify(sealed.keyId, sealed.signed, sealed.tag);
  if (verdict !== 'valid') return { ok: false, reason: verdict };
  return decodeHeartbeat(sealed.signed);
}
