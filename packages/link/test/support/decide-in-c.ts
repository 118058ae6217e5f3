// SPDX-License-Identifier: Apache-2.0
/** The decision in C on one frame, in the words of {@link decideInTypeScript}. */
import type { NativeLink } from '@berth/link';
import { type Decision, type Fence, HERE, ownMac, vectorRows } from './decisions.ts';

/** Room for the longest reply, in bytes. */
const REPLY_BYTES = 86;
const REPLY_LENGTHS: Readonly<Record<string, number>> = { reply: 42, 'ndp-reply': 86 };

export function decideInC(native: NativeLink, frame: Uint8Array, fence: Fence): Decision {
  const reply = new Uint8Array(REPLY_BYTES);
  const outcome = native.decide(vectorRows(), HERE, ownMac().toBytes(), fence === 'holds' ? 1 : 0, frame, reply);
  const name = native.outcomeNames()[outcome] ?? `outcome ${outcome}`;
  const length = REPLY_LENGTHS[name];
  return length === undefined ? name.replace(/^ndp-/, '') : reply.subarray(0, length);
}
