// SPDX-License-Identifier: Apache-2.0
/** Which keys of the ConfigMap hold documents, and what is said about those that look as if they should. */
import { EMPTY_ANNOTATION } from './pool-config.ts';
import { type ConfigProblem, type ProblemText, sentenceOf } from './problem.ts';
import { shorten } from './yaml-text-parts.ts';

/** What a ConfigMap holds, as the API server gives it. */
export interface ConfigMapContent {
  readonly data?: Readonly<Record<string, string>>;
  /** Base64. Nothing of it is read; it says why documents are missing. */
  readonly binaryData?: Readonly<Record<string, string>>;
}

const YAML_KEY = /\.ya?ml$/;

const WANTED_KEY = 'a key that ends in .yaml or .yml';

/** First characters of base64 of the byte order marks of UTF-16: FF FE and FE FF. */
const UTF_16_BASE64 = /^(\/\/[4-7]|\/v[89+/])/;

/** What somebody's editor made of UTF-16: a zero after each letter, or what is left of the byte order mark. */
const UTF_16_TEXT = /\0|^\ufffd\ufffd/;

/** Whether documents are read from a key. */
export function isYamlKey(key: string): boolean {
  return YAML_KEY.test(key);
}

/** Whether a key that is not read was meant to be: its ending is only spelled in other letters. */
export function isNearlyYamlKey(key: string): boolean {
  return !isYamlKey(key) && YAML_KEY.test(key.toLowerCase());
}

export function unreadKey(key: string): ConfigProblem {
  const text = { found: `key "${shorten(key)}"`, wanted: WANTED_KEY };
  const message = `${text.found} is ignored: only keys that end in .yaml or .yml are read`;
  return { ...problemOfKey(key, text), message };
}

export function misspeltKey(key: string): ConfigProblem {
  const reason = 'the ending must be in small letters, and the documents in this key are not read';
  return problemOfKey(key, { found: `key "${shorten(key)}"`, wanted: WANTED_KEY, reason });
}

/** A problem where the key of `binaryData` was meant to be read; undefined for other data, which are left alone. */
export function binaryKey(key: string, base64: string): ConfigProblem | undefined {
  if (!YAML_KEY.test(key.toLowerCase())) return undefined;
  const encoding = UTF_16_BASE64.test(base64) ? 'UTF-16' : 'no UTF-8';
  const reason = `the file is ${encoding}; save it as UTF-8 (PowerShell: Out-File -Encoding utf8) and make the ConfigMap anew`;
  return problemOfKey(key, { found: 'bytes in binaryData', wanted: 'UTF-8 text in data', reason });
}

/** A problem where the text of a key has another encoding. */
export function foreignEncoding(key: string, text: string): ConfigProblem | undefined {
  if (!UTF_16_TEXT.test(text)) return undefined;
  const reason = 'the file is UTF-16 or binary; save it as UTF-8 (PowerShell: Out-File -Encoding utf8)';
  return problemOfKey(key, { found: 'characters that are no text', wanted: 'UTF-8 text', reason });
}

/** What is said where no pool is configured at all: hardly ever what was meant. */
export function nothingConfigured(keys: readonly string[], policies: number): ConfigProblem {
  const wanted = `at least one IPAddressPool; "no pools" is said by one with addresses: [] and the annotation ${EMPTY_ANNOTATION}: "true"`;
  const [first = ''] = keys;
  return problemOfKey(first, { found: whatIsThere(keys, policies), wanted });
}

/** A problem of a key as a whole. */
export function problemOfKey(key: string, text: ProblemText): ConfigProblem {
  const { found, wanted, suggestion } = text;
  const more = suggestion === undefined ? {} : { suggestion };
  return { key, document: 1, line: 1, column: 1, path: '', found, wanted, message: sentenceOf(text), ...more };
}

function whatIsThere(keys: readonly string[], policies: number): string {
  if (policies > 0) return 'L2Advertisement documents and no IPAddressPool';
  if (keys.some(isYamlKey)) return 'no document, only comments or nothing at all';
  return keys.length === 0 ? 'no key at all' : 'no key that ends in .yaml or .yml';
}
