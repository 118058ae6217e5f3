// SPDX-License-Identifier: Apache-2.0
/**
 * Takes out of text what no stranger may read. Objects are cut down before; this is for what programs wrote into logs
 * and messages.
 */

/** Stands in the place of what is left out. */
export const LEFT_OUT = '(left out)';

/** Shorter values are words that stand everywhere. */
const LEAST_SECRET_CHARACTERS = 6;

const SECRET_WORD = '(?:token|passw(?:or)?d|secret|credential|api[-_]?key|private[-_]?key)';
/** Whether a name is that of a secret. */
export const SECRET_NAME = new RegExp(SECRET_WORD, 'i');

const RULES: readonly (readonly [RegExp, string])[] = [
  // One that is cut off ends where the text does that it stands in.
  [/-----BEGIN [A-Z ]+-----(?:(?:(?!-----BEGIN).)*?-----END [A-Z ]+-----|[^"]*)/gs, LEFT_OUT],
  // JSON Web Tokens: those of ServiceAccounts are.
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, LEFT_OUT],
  [/\b(Bearer|Basic) +[\w.~+/=-]{6,}/gi, `$1 ${LEFT_OUT}`],
  [/(:\/\/[^\s/:@"]+):[^\s/@"]+@/g, `$1:${LEFT_OUT}@`],
  [new RegExp(`(${SECRET_WORD}[\\w-]*\\\\?["']?\\s*[:=]\\s*\\\\?["']?)[^\\s"'\\\\,;}]+`, 'gi'), `$1${LEFT_OUT}`],
];

/** `secrets`: values that are known to be such; they are left out wherever they stand. */
export function redacted(text: string, secrets: readonly string[] = []): string {
  const known = secrets.filter((one) => one.length >= LEAST_SECRET_CHARACTERS);
  const without = known.reduce((rest, secret) => rest.replaceAll(secret, LEFT_OUT), text);
  return RULES.reduce((rest, [pattern, instead]) => rest.replaceAll(pattern, instead), without);
}
