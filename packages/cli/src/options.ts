// SPDX-License-Identifier: Apache-2.0
/** Options that several commands have. */
import { IpAddress } from '@berth/core';
import { InvalidArgumentError, Option } from 'commander';

/** How to print; on every command that shows something. */
export function outputOption(): Option {
  const text = 'how to print; wide: tables with all they have, however wide the terminal is';
  return new Option('-o, --output <format>', text).choices(['text', 'wide', 'json', 'yaml']).default('text');
}

/** On every command that changes something. */
export function dryRunOption(): Option {
  return new Option('--dry-run', 'only tell what would be done; nothing is written').default(false);
}

/** On what can be looked at while it changes. */
export function watchOption(): Option {
  return new Option('-w, --watch', 'go on with what changes, until interrupted').default(false);
}

/** As kubectl logs has it, and days as well. */
export function sinceOption(): Option {
  const text = 'only what happened in that time, such as 30m, 2h or 3d; default: all that is kept';
  return new Option('--since <duration>', text).argParser(parseSince);
}

export function timeoutOption(seconds: number): Option {
  const text = 'how long to wait for the outcome; 0: not at all';
  return new Option('--timeout <seconds>', text).argParser(parseSeconds).default(seconds);
}

/** As kubectl writes it: a number of seconds, or with a unit; 0 for no limit. */
export function requestTimeoutOption(): Option {
  const text = 'how long one request to the API server may take, such as 5s or 1m; 0: for ever';
  return new Option('--request-timeout <duration>', text).argParser(parseRequestTimeout);
}

export function portOption(): Option {
  return new Option('--port <number>', 'port of 127.0.0.1; 0: a free one').argParser(parsePort).default(0);
}

export function logLinesOption(): Option {
  const text = 'last lines of each log; 0: no logs';
  return new Option('--log-lines <number>', text).argParser(parseCount).default(2000);
}

function parseCount(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('Wanted a number.');
  return Number(text);
}

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError('Wanted a port, 0 to 65535.');
  return Number(text);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, '': 1000, m: 60_000, h: 3_600_000 };

const SINCE_UNIT_MS: Readonly<Record<string, number>> = { ...UNIT_MS, d: 86_400_000 };

function parseSince(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,9})(ms|s|m|h|d)?$/.exec(text) ?? [];
  if (count === '') throw new InvalidArgumentError('Wanted a duration such as 30m, 2h or 3d.');
  return Number(count) * (SINCE_UNIT_MS[unit] ?? 0);
}

/** Longest delay of a timer, in milliseconds. */
const LONGEST_MS = 2 ** 31 - 1;

function parseRequestTimeout(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,9})(ms|s|m|h)?$/.exec(text) ?? [];
  if (count === '') throw new InvalidArgumentError('Wanted a duration such as 5s, or 0.');
  const milliseconds = Number(count) * (UNIT_MS[unit] ?? 0);
  return milliseconds === 0 ? LONGEST_MS : Math.min(milliseconds, LONGEST_MS);
}

function parseSeconds(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('Wanted a number of seconds.');
  return Number(text);
}

/** Reads an address; `wanted` says what it is of, and where such are listed. */
function addressParser(wanted: string): (text: string) => IpAddress {
  return (text) => {
    const address = IpAddress.parse(text);
    if (!address.ok) throw new InvalidArgumentError(`${address.reason}; wanted ${wanted}.`);
    return address.value;
  };
}

/** People name the Service, or the node first. */
export const parseVip = addressParser('the address of a Service, as kubectl berth vips lists them');

export const parseQuarantined = addressParser('an address in quarantine, as kubectl berth pools lists them');
