// SPDX-License-Identifier: Apache-2.0
/**
 * The node of core's vectors, and its decision in TypeScript, for the tests that hold the ones in C and in the kernel
 * to it.
 */

import {
  type AnsweringPoint,
  type IpAddress,
  MacAddress,
  respondToArp,
  respondToNdp,
  type VipPlace,
} from '@berth/core';
import { ip } from '@berth/core/testing';
import { encodeVipRows } from '@berth/link';
import fc from 'fast-check';
import { ARP_VECTORS, VECTOR_MAC, VECTOR_VIPS } from '../../../core/src/layer2/respond.vectors.ts';
import { NDP_VECTOR_VIPS, NDP_VECTORS } from '../../../core/src/layer2/respond-ndp.vectors.ts';

export { ip };

export type Fence = 'holds' | 'expired';

export const HERE = 0;
const ELSEWHERE = 1;

/** A reply, or the name of the reason for silence without "ndp-". */
export type Decision = Uint8Array | string;

export function ownMac(): MacAddress {
  const result = MacAddress.parse(VECTOR_MAC);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

/** The VIPs of both families, as the addon takes them. */
export function vectorRows(): Uint8Array {
  return encodeVipRows([
    ...[VECTOR_VIPS.here, NDP_VECTOR_VIPS.here].map((vip) => ({ vip: ip(vip), slots: [HERE] })),
    ...[VECTOR_VIPS.elsewhere, NDP_VECTOR_VIPS.elsewhere].map((vip) => ({ vip: ip(vip), slots: [ELSEWHERE] })),
  ]);
}

export function decideInTypeScript(frame: Uint8Array, fence: Fence): Decision {
  const at: AnsweringPoint = { mac: ownMac(), fence, placeOf };
  const isIpv6 = frame.length >= 14 && frame[12] === 0x86 && frame[13] === 0xdd;
  const decision = isIpv6 ? respondToNdp(frame, at) : respondToArp(frame, at);
  return decision.ok ? decision.frame : decision.reason;
}

/** Frames near the vectors of both protocols, some with a checksum that is right again, and frames of chance alone. */
export function randomFrames(): fc.Arbitrary<Uint8Array> {
  const vectors = fc.constantFrom(...ARP_VECTORS.map(({ frame }) => frame), ...NDP_VECTORS.map(({ frame }) => frame));
  const changes = fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 3 });
  const mutated = fc.tuple(vectors, changes, fc.uint8Array({ maxLength: 30 })).map(([frame, bytes, tail]) => {
    const copy = Uint8Array.from([...frame, ...tail]);
    for (const [offset, value] of bytes) if (offset < copy.length) copy[offset] = value;
    return copy;
  });
  return fc.oneof(mutated, mutated.map(withChecksum), fc.uint8Array({ maxLength: 64 }));
}

function placeOf(address: IpAddress): VipPlace {
  const text = String(address);
  if (text === VECTOR_VIPS.here || text === NDP_VECTOR_VIPS.here) return 'here';
  return text === VECTOR_VIPS.elsewhere || text === NDP_VECTOR_VIPS.elsewhere ? 'elsewhere' : 'nowhere';
}

/** Corrects the checksum of what may be a neighbor discovery message, so that chance gets past it. */
function withChecksum(frame: Uint8Array): Uint8Array {
  const message = frame.subarray(54, 54 + ((frame[18] ?? 0) << 8) + (frame[19] ?? 0));
  if (message.length < 4) return frame;
  message.set([0, 0], 2);
  const words = [...frame.subarray(22, 54), ...message, ...(message.length % 2 === 1 ? [0] : [])];
  let sum = message.length + 58;
  for (let index = 0; index < words.length; index += 2) sum += (words[index] ?? 0) * 256 + (words[index + 1] ?? 0);
  const checksum = 0xffff - (sum % 0xffff || 0xffff);
  message.set([checksum >> 8, checksum & 0xff], 2);
  return frame;
}
