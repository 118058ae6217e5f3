// SPDX-License-Identifier: Apache-2.0
/** Text for people, and JSON and YAML for programs. */
import { countText, type PoolUsageReport, yamlText } from '@berth/core';
import type { Environment } from './environment.ts';
import type { Output } from './operation.ts';
import { tableLines } from './table.ts';
import type { Tone } from './tone.ts';

/** Prints a value where it is asked for in a form for programs; whether it was. */
export function printValue(environment: Pick<Environment, 'out'>, output: Output, value: unknown): boolean {
  if (output === 'json') environment.out(formatJson(value));
  else if (output === 'yaml') environment.out(formatYaml(value));
  return output === 'json' || output === 'yaml';
}

/** YAML of what {@link formatJson} writes. */
export function formatYaml(value: unknown): string {
  return yamlText(JSON.parse(formatJson(value)) as unknown);
}

export interface Printing {
  /** `wide`: however wide the terminal is. */
  readonly output: Output;
  /** How a row looks on a terminal; the head is no row. */
  readonly toneOf?: (row: number) => Tone | undefined;
}

/** Characters that a line may have; undefined: any number. */
export function columnsFor(
  { terminal }: { readonly terminal?: Environment['terminal'] | undefined },
  output: Output,
): number | undefined {
  return output === 'wide' ? undefined : terminal?.columns;
}

/** Prints a table, the first row as its head, no wider than the terminal. */
export function printTable(
  { out, terminal }: Pick<Environment, 'out' | 'terminal'>,
  rows: readonly (readonly string[])[],
  { output, toneOf }: Printing,
): void {
  const columns = columnsFor({ terminal }, output);
  for (const { text, row } of tableLines(rows, { columns })) out(`${text}\n`, row === 0 ? 'head' : toneOf?.(row - 1));
}

/** Prints rows without a head. */
export function printRows(
  { out, terminal }: Pick<Environment, 'out' | 'terminal'>,
  rows: readonly (readonly string[])[],
  { output }: Pick<Printing, 'output'>,
): void {
  const columns = columnsFor({ terminal }, output);
  for (const { text } of tableLines(rows, { columns })) out(`${text}\n`);
}

/** `1 pool`, `2 pools`, `2 addresses`. */
export function countOf(count: number, noun: string): string {
  const end = noun.endsWith('s') ? 'es' : 's';
  return `${count} ${noun}${count === 1 ? '' : end}`;
}

/** JSON with an end of line; large numbers as text, since no JSON number holds them. */
export function formatJson(value: unknown): string {
  const text = JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner), 2);
  return `${text}\n`;
}

/** Head of the table of pools. */
export const USAGE_HEAD = ['POOL', 'FAMILY', 'TOTAL', 'USED', 'COOLING', 'QUARANTINED', 'FREE', 'ADDRESSES'];

export function usageRow(row: PoolUsageReport): string[] {
  const { pool, family, total, used, cooling, quarantined, free, addresses } = row;
  return [pool, family, ...[total, used, cooling, quarantined, free].map(countText), addresses.join(' ')];
}
