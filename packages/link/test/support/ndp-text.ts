// SPDX-License-Identifier: Apache-2.0
/**
 * Neighbor discovery as hex text, written and read independently of core, so that a test does not believe its own
 * codec.
 */

export interface NdpFields {
  readonly destination: string;
  readonly source: string;
  readonly hopLimit: number;
  readonly ipSource: string;
  readonly ipDestination: string;
  readonly type: number;
  readonly flags: number;
  readonly target: string;
  /** Type and MAC address of the only option, as hex. */
  readonly option: string;
}

export const ALL_NODES = 'ff02::1';
export const ALL_NODES_MAC = '33:33:00:00:00:01';

export interface Question {
  /** MAC address of the asker. */
  readonly mac: string;
  readonly from: string;
  readonly target: string;
  /** Default: the solicited-node group of the target, at its own MAC address. */
  readonly to?: { readonly mac: string; readonly ip: string };
  readonly hopLimit?: number;
  /** Whether the question carries the asker's MAC address. Default: it does. */
  readonly option?: 'none';
}

/** "Who has `target`, tell `from`" (RFC 4861, 4.3). Addresses are written in full or with one `::`. */
export function solicitation({ mac, from, target, to, hopLimit = 255, option }: Question): string {
  const low = ipHex(target).slice(-6);
  const destination = to ? ipHex(to.ip) : `${ipHex('ff02::1:ff00:0').slice(0, -6)}${low}`;
  const macDestination = to ? macHex(to.mac) : `3333ff${low}`;
  const options = option === 'none' ? '' : `0101${macHex(mac)}`;
  const message = `8700000000000000${ipHex(target)}${options}`;
  const length = hex16(message.length / 2);
  const sum = checksum(`${ipHex(from)}${destination}0000${length}0000003a${message}`);
  const header = `60000000${length}3a${hopLimit.toString(16).padStart(2, '0')}${ipHex(from)}${destination}`;
  return `${macDestination}${macHex(mac)}86dd${header}8700${hex16(sum)}${message.slice(8)}`;
}

export function isNeighborDiscovery(hex: string): boolean {
  return hex.slice(24, 28) === '86dd' && hex.slice(40, 42) === '3a' && ['87', '88'].includes(hex.slice(108, 110));
}

export function readNdp(hex: string): NdpFields {
  const bytes = (start: number, end: number) => hex.slice(start * 2, end * 2);
  return {
    destination: macText(bytes(0, 6)),
    source: macText(bytes(6, 12)),
    hopLimit: Number.parseInt(bytes(21, 22), 16),
    ipSource: bytes(22, 38),
    ipDestination: bytes(38, 54),
    type: Number.parseInt(bytes(54, 55), 16),
    flags: Number.parseInt(bytes(58, 59), 16),
    target: bytes(62, 78),
    option: bytes(78, 86),
  };
}

/** An address in 32 hex digits. */
export function ipHex(ip: string): string {
  const [head = '', tail] = ip.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array(8 - left.length - right.length).fill('0'), ...right];
  return groups.map((group) => group.padStart(4, '0')).join('');
}

export function macHex(mac: string): string {
  return mac.replaceAll(':', '');
}

function macText(hex: string): string {
  return hex.replace(/..(?!$)/g, '$&:');
}

function hex16(value: number): string {
  return value.toString(16).padStart(4, '0');
}

function checksum(hex: string): number {
  const sum = (hex.match(/.{4}/g) ?? []).reduce((total, word) => total + Number.parseInt(word, 16), 0);
  return 0xffff - (sum % 0xffff || 0xffff);
}
