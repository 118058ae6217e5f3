// SPDX-License-Identifier: Apache-2.0
/**
 * Messages and attributes of netlink(7), whatever they are about. All numbers are in host byte order; attributes are
 * padded to 4 bytes. The kernel is trusted, yet lengths are checked: a reader of another kernel version must not run
 * off the end.
 */
import { HOST_IS_LITTLE_ENDIAN } from './linux.ts';

/** Sizes of struct nlmsghdr and rtattr, in bytes. */
const HEADER_BYTES = 16;
const ATTRIBUTE_BYTES = 4;
/** Type bits of rta_type; the upper two are flags. */
const ATTRIBUTE_TYPE_MASK = 0x3fff;
const NLMSG = { ERROR: 2, DONE: 3 } as const;
const NLM_F = { REQUEST: 0x1, DUMP_INTR: 0x10, DUMP: 0x300 } as const;

export type NetlinkMessage =
  | { readonly kind: 'data'; readonly type: number; readonly body: Uint8Array }
  | { readonly kind: 'done' }
  /** What is dumped changed meanwhile: parts of it may be missing, or there twice. */
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'error'; readonly errno: number };

/** A request for all objects of a kind; the fixed part of its body has this many bytes, all zero. */
export function encodeDumpRequest(type: number, bodyBytes: number, sequence = 0): Uint8Array {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + bodyBytes));
  view.setUint32(0, view.byteLength, HOST_IS_LITTLE_ENDIAN);
  view.setUint16(4, type, HOST_IS_LITTLE_ENDIAN);
  view.setUint16(6, NLM_F.REQUEST | NLM_F.DUMP, HOST_IS_LITTLE_ENDIAN);
  view.setUint32(8, sequence, HOST_IS_LITTLE_ENDIAN);
  return new Uint8Array(view.buffer);
}

/** Reads all messages of a datagram; whatever cannot be read is left out. Bodies are views. */
export function decodeNetlink(datagram: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  for (let offset = 0; offset + HEADER_BYTES <= datagram.length; ) {
    const view = viewOf(datagram.subarray(offset));
    const length = view.getUint32(0, HOST_IS_LITTLE_ENDIAN);
    if (length < HEADER_BYTES || offset + length > datagram.length) break;
    const body = datagram.subarray(offset + HEADER_BYTES, offset + length);
    if ((view.getUint16(6, HOST_IS_LITTLE_ENDIAN) & NLM_F.DUMP_INTR) !== 0) messages.push({ kind: 'interrupted' });
    const message = decodeMessage(view.getUint16(4, HOST_IS_LITTLE_ENDIAN), body);
    if (message) messages.push(message);
    offset += aligned(length);
  }
  return messages;
}

// Errors are negative; zero acknowledges, which no one asked for. The end of a dump may tell of an error too.
function decodeMessage(type: number, body: Uint8Array): NetlinkMessage | undefined {
  if (type !== NLMSG.DONE && type !== NLMSG.ERROR) return { kind: 'data', type, body };
  const errno = body.length < 4 ? 0 : -viewOf(body).getInt32(0, HOST_IS_LITTLE_ENDIAN);
  if (errno > 0) return { kind: 'error', errno };
  return type === NLMSG.DONE ? { kind: 'done' } : undefined;
}

export function readAttributes(bytes: Uint8Array): Map<number, Uint8Array> {
  const attributes = new Map<number, Uint8Array>();
  for (let offset = 0; offset + ATTRIBUTE_BYTES <= bytes.length; ) {
    const view = viewOf(bytes.subarray(offset));
    const length = view.getUint16(0, HOST_IS_LITTLE_ENDIAN);
    if (length < ATTRIBUTE_BYTES || offset + length > bytes.length) break;
    const type = view.getUint16(2, HOST_IS_LITTLE_ENDIAN) & ATTRIBUTE_TYPE_MASK;
    attributes.set(type, bytes.subarray(offset + ATTRIBUTE_BYTES, offset + length));
    offset += aligned(length);
  }
  return attributes;
}

/** Text that ends with a zero byte. */
export function readText(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes).replace(/\0.*$/s, '');
}

export function readUint32(bytes: Uint8Array | undefined): number | undefined {
  return bytes && bytes.length >= 4 ? viewOf(bytes).getUint32(0, HOST_IS_LITTLE_ENDIAN) : undefined;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The next multiple of 4. */
export function aligned(length: number): number {
  return (length + 3) & ~3;
}
