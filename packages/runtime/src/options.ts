// SPDX-License-Identifier: Apache-2.0
/** Reads the options of a process from its arguments and its environment. */
import { parseArgs } from 'node:util';
// Not plain zod: that takes 10 MB of resident memory more (docs/design/0004-memory.md).
import * as z from 'zod/mini';

export interface ListenAddress {
  /** undefined: all addresses. */
  readonly host: string | undefined;
  readonly port: number;
}

/** `HOST:PORT`, or `:PORT` for all addresses; an IPv6 host stands in brackets. */
export const listenAddress = z.pipe(
  z.string().check(z.regex(/^(.*):(\d{1,5})$/, 'wanted HOST:PORT or :PORT')),
  z.pipe(
    z.transform((text: string): ListenAddress => {
      const colon = text.lastIndexOf(':');
      const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
      return { host: host === '' ? undefined : host, port: Number(text.slice(colon + 1)) };
    }),
    z.custom<ListenAddress>((address) => (address as ListenAddress).port <= 65_535, 'wanted a port up to 65535'),
  ),
);

/** One of some words. */
export function choice<const Words extends readonly string[]>(...words: Words) {
  return z.enum(words, `wanted ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`);
}

/** A number in these bounds, both included. */
export function numberWithin(least: number, most: number) {
  const wanted = `wanted a number from ${least} to ${most}`;
  return z.coerce.number(wanted).check(z.minimum(least, wanted), z.maximum(most, wanted));
}

/** A whole number in these bounds, both included. */
export function wholeNumberWithin(least: number, most: number) {
  const wanted = `wanted a whole number from ${least} to ${most}`;
  return numberWithin(least, most).check(z.multipleOf(1, wanted));
}

export type ReadOptions<T> =
  | { readonly ok: true; readonly options: T }
  /** All problems, a line each: the option, and what was found or wanted. */
  | { readonly ok: false; readonly problems: readonly string[] };

export interface OptionSource<Schema extends z.ZodMiniType> {
  readonly schema: Schema;
  /** Option to environment variable; an argument goes before it. */
  readonly environmentNames: Readonly<Record<string, string>>;
}

/** Reads the options. An empty text counts as not given. */
export function readOptions<Schema extends z.ZodMiniType>(
  { schema, environmentNames }: OptionSource<Schema>,
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
): ReadOptions<z.infer<Schema>> {
  const given = readArguments(Object.keys(environmentNames), argv);
  if (typeof given === 'string') return { ok: false, problems: [given] };
  const entries = Object.entries(environmentNames).map(([name, variable]) => [
    name,
    given[name] ?? environment[variable],
  ]);
  const present = entries.filter(([, value]) => value !== undefined && value !== '');
  const parsed = schema.safeParse(Object.fromEntries(present));
  if (parsed.success) return { ok: true, options: parsed.data };
  return { ok: false, problems: parsed.error.issues.map((issue) => `--${String(issue.path[0])}: ${issue.message}`) };
}

// parseArgs throws on options that it does not know; its message names the option.
function readArguments(names: readonly string[], argv: readonly string[]): Record<string, string | undefined> | string {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...argv], options, strict: true }).values as Record<string, string | undefined>;
  } catch (error) {
    return (error as Error).message;
  }
}
