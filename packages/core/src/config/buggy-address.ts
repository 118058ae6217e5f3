// SPDX-License-Identifier: Apache-2.0
import type { IpAddress } from '../net/ip-address.ts';

/** Whether old client software takes the IPv4 address for a network or broadcast address: it ends in .0 or .255. */
export function isBuggy({ family, value }: Pick<IpAddress, 'family' | 'value'>): boolean {
  if (family === 'IPv6') return false;
  const lastOctet = value & 0xffn;
  return lastOctet === 0n || lastOctet === 0xffn;
}
