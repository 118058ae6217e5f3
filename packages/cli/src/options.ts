// SPDX-License-Identifier: Apache-2.0
/** Options that several commands have. */
import { IpAddress } from '@berth/core';
import { InvalidArgumentError, Option } from 'commander';

export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text');
}

export function timeoutOption(seconds: number): Option {
  const text = 'how long to wait for the outcome; 0: not at all';
  return new Option('--timeout <seconds>', text).argParser(parseSeconds).default(seconds);
}

function parseSeconds(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('Wanted a number of seconds.');
  return Number(text);
}

export function parseAddress(text: string): IpAddress {
  const address = IpAddress.parse(text);
  if (!address.ok) throw new InvalidArgumentError(address.reason);
  return address.value;
}
