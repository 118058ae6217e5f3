// SPDX-License-Identifier: Apache-2.0
/**
 * Options of neighbor discovery messages (RFC 4861, 4.6), as far as neighbor solicitations and advertisements carry
 * them.
 */
import { MAC_LENGTH_BYTES, MacAddress } from '../net/mac-address.ts';

/** Option types (RFC 4861, 4.6.1). */
export const NDP_OPTION = { SOURCE_LINK_LAYER_ADDRESS: 1, TARGET_LINK_LAYER_ADDRESS: 2 } as const;

/** Lengths of options count units of 8 bytes, type and length included. */
const UNIT_BYTES = 8;
/** A link-layer address option for Ethernet is one unit (RFC 2464, 6). */
const LINK_LAYER_UNITS = 1;
const OPTION_HEADER_BYTES = 2;

/** Whose address an option holds: the sender's (in solicitations) or the target's (in advertisements). */
export type LinkLayerDirection = 'source' | 'target';

/** Why options cannot be read. */
export type NdpOptionDropReason =
  /** A length of 0, one that runs past the end, a rest too short for an option, or a MAC address of another length. */
  | 'option-length'
  /** A target's address in a solicitation, or a source's in an advertisement: no host sends that. */
  | 'option-direction';

export type NdpOptionsDecoded =
  | { readonly ok: true; readonly linkLayerAddr: MacAddress | undefined }
  | { readonly ok: false; readonly reason: NdpOptionDropReason };

const TYPE_OF_DIRECTION = {
  source: NDP_OPTION.SOURCE_LINK_LAYER_ADDRESS,
  target: NDP_OPTION.TARGET_LINK_LAYER_ADDRESS,
} as const;

/** One link-layer address option in 8 bytes, a fresh copy. */
export function encodeLinkLayerOption(direction: LinkLayerDirection, mac: MacAddress): Uint8Array {
  const bytes = new Uint8Array(UNIT_BYTES * LINK_LAYER_UNITS);
  bytes.set([TYPE_OF_DIRECTION[direction], LINK_LAYER_UNITS]);
  bytes.set(mac.toBytes(), OPTION_HEADER_BYTES);
  return bytes;
}

/**
 * Reads all options of a message and returns the link-layer address among them; of several the last, as Linux does.
 * Options of other types (a nonce of RFC 7527 among them) are skipped. One bad option refuses the message (RFC 4861,
 * 7.1).
 */
export function decodeNdpOptions(bytes: Uint8Array, direction: LinkLayerDirection): NdpOptionsDecoded {
  let linkLayerAddr: MacAddress | undefined;
  for (let offset = 0; offset < bytes.length; ) {
    const units = bytes[offset + 1] ?? 0;
    const end = offset + units * UNIT_BYTES;
    if (units === 0 || end > bytes.length) return { ok: false, reason: 'option-length' };
    const type = bytes[offset];
    if (type === NDP_OPTION.SOURCE_LINK_LAYER_ADDRESS || type === NDP_OPTION.TARGET_LINK_LAYER_ADDRESS) {
      if (type !== TYPE_OF_DIRECTION[direction]) return { ok: false, reason: 'option-direction' };
      if (units !== LINK_LAYER_UNITS) return { ok: false, reason: 'option-length' };
      const start = offset + OPTION_HEADER_BYTES;
      linkLayerAddr = MacAddress.fromBytes(bytes.subarray(start, start + MAC_LENGTH_BYTES));
    }
    offset = end;
  }
  return { ok: true, linkLayerAddr };
}
