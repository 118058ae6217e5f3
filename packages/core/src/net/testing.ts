// SPDX-License-Identifier: Apache-2.0
/** Addresses for tests. */
import { IpAddress } from './ip-address.ts';
import { IpPrefix } from './ip-prefix.ts';
import { MacAddress } from './mac-address.ts';

/** The address that the text names; throws for any other text. */
export function ip(text: string): IpAddress {
  const address = IpAddress.parse(text);
  if (!address.ok) throw new Error(address.reason);
  return address.value;
}

/** The prefix that the text names; throws for any other text. */
export function prefix(text: string): IpPrefix {
  const found = IpPrefix.parse(text);
  if (!found.ok) throw new Error(found.reason);
  return found.value;
}

/** The MAC address that the text names, or the documentation address 00:00:5e:00:53:xx with this last byte. */
export function mac(textOrLastByte: string | number): MacAddress {
  const isText = typeof textOrLastByte === 'string';
  const address = MacAddress.parse(isText ? textOrLastByte : `00:00:5e:00:53:${hexByte(textOrLastByte)}`);
  if (!address.ok) throw new Error(address.reason);
  return address.value;
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, '0');
}
