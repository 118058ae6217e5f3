// SPDX-License-Identifier: Apache-2.0
/**
 * Which key a node signs with, so that a key can be changed by one edit of the Secret and no heartbeat is lost
 * meanwhile.
 */
import type { MembershipState } from './state.ts';

/** Name of the Secret in the namespace of Berth; its values are `current` and, during a rotation, `previous`. */
export const HEARTBEAT_SECRET = 'heartbeat';

/** Identifiers of the keys that this node has. Frames of both are accepted. */
export interface KeyRing {
  readonly newest: number;
  readonly previous?: number | undefined;
}

/** The newest key once every member that is heard has it too, until then the previous one. */
export function signingKeyId(ring: KeyRing, { members }: Pick<MembershipState, 'members'>): number {
  const isKnownToAll = members.every((member) => member.newestKeyId === ring.newest);
  return isKnownToAll ? ring.newest : (ring.previous ?? ring.newest);
}
