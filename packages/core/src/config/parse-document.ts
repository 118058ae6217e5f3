// SPDX-License-Identifier: Apache-2.0
/** Holds one document against its schema, and turns zod's issues into problems with a place. */
import type * as z from 'zod/mini';
import { isObject } from './is-object.ts';
import { convertLegacyConfig, isLegacyConfig } from './metallb-legacy.ts';
import { METALLB_OBJECTS_KEY } from './metallb-objects.ts';
import { nearestName } from './nearest-name.ts';
import { type ConfigProblem, type ProblemText, sentenceOf } from './problem.ts';
import { MAX_PROBLEMS } from './reading-budget.ts';
import {
  type AddressPoolDocument,
  API_VERSION,
  addressPoolSchema,
  type L2AdvertisementDocument,
  l2AdvertisementSchema,
  METALLB_API_VERSION,
} from './schema.ts';
import { fieldsAt, withoutNulls } from './schema-walk.ts';
import type { Place, SourceDocument } from './yaml-documents.ts';
import { type Path, shorten } from './yaml-text-parts.ts';

/** A document, or an item of a `kind: List`, with the way back to its place. */
export interface Source {
  readonly key: string;
  readonly document: SourceDocument;
  /** Where in the document the object stands: empty, or `items`, index. */
  readonly base: Path;
  readonly value: unknown;
}

export type TypedDocument =
  | { readonly kind: 'IPAddressPool'; readonly source: Source; readonly content: AddressPoolDocument }
  | { readonly kind: 'L2Advertisement'; readonly source: Source; readonly content: L2AdvertisementDocument };

export type ParsedDocument =
  | { readonly ok: true; readonly typed: TypedDocument }
  /** A document of MetalLB that says nothing about addresses or layer 2 is skipped. */
  | { readonly ok: true; readonly typed: undefined; readonly warning: ConfigProblem }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Documents of MetalLB that ask for something that Berth does not do. */
const BGP_KINDS = ['BGPPeer', 'BGPAdvertisement'];

/** Documents of MetalLB that mean nothing without BGP, or are reports that MetalLB wrote itself. */
const HARMLESS_KINDS = ['BFDProfile', 'Community', 'ConfigurationState', 'ServiceBGPStatus', 'ServiceL2Status'];

/** Most unknown fields of one object that are reported. */
const MAX_UNKNOWN_FIELDS = 50;

const KINDS = ['IPAddressPool', 'L2Advertisement'];

export function parseDocument(source: Source): ParsedDocument {
  const { value } = source;
  if (!isObject(value)) {
    return refused(
      problemAt(source, [], { found: show(value), wanted: 'an object with apiVersion, kind, metadata and spec' }),
    );
  }
  if (isLegacyConfig(value)) return refused(problemAt(source, ['address-pools'], legacyText(value)));
  if (isHarmless(value)) return { ok: true, typed: undefined, warning: skipped(source, String(value.kind)) };
  const kind = kindProblem(source, value);
  const version = versionProblem(source, value);
  // Of a document that names another kind nothing more can be said.
  if (kind !== undefined) return refused(kind, ...(version === undefined || isNamed(value) ? [] : [version]));
  const parsed =
    value.kind === 'IPAddressPool'
      ? checked(source, addressPoolSchema, (content) => ({ kind: 'IPAddressPool', source, content }))
      : checked(source, l2AdvertisementSchema, (content) => ({ kind: 'L2Advertisement', source, content }));
  if (version === undefined) return parsed;
  const others = parsed.ok ? [] : parsed.problems.filter(({ path }) => path !== version.path);
  return refused(version, ...others);
}

function isNamed({ kind }: Record<string, unknown>): boolean {
  return kind !== undefined && kind !== null;
}

/** What is said about MetalLB's old format. */
export function legacyText(value: Parameters<typeof convertLegacyConfig>[0]): ProblemText {
  const suggestion = convertLegacyConfig(value);
  const reason = 'this is the format of MetalLB before 0.13';
  return { found: 'address-pools', wanted: 'IPAddressPool and L2Advertisement documents', reason, suggestion };
}

function isHarmless({ kind, apiVersion }: Record<string, unknown>): boolean {
  const isMetallb = typeof apiVersion === 'string' && METALLB_API_VERSION.test(apiVersion);
  return isMetallb && typeof kind === 'string' && HARMLESS_KINDS.includes(kind);
}

function skipped(source: Source, kind: string): ConfigProblem {
  const text = { found: `${kind} of MetalLB`, wanted: KINDS.join(' or ') };
  return {
    ...problemAt(source, ['kind'], text),
    message: `${subjectOf(source)} is skipped: it says nothing about layer 2`,
  };
}

/** What a document calls itself in messages: `IPAddressPool edge`. */
export function subjectOf({ value }: Source): string {
  if (!isObject(value)) return 'document';
  const name = isObject(value.metadata) && typeof value.metadata.name === 'string' ? value.metadata.name : '(no name)';
  return `${typeof value.kind === 'string' ? shorten(value.kind) : 'document'} ${shorten(name)}`;
}

/** The object of MetalLB that a source was made from; undefined: it is a document that somebody wrote. */
export function objectOf({ key, value }: Source): { readonly kind: string; readonly key: string } | undefined {
  if (key !== METALLB_OBJECTS_KEY || !isObject(value) || !isObject(value.metadata)) return undefined;
  const { namespace, name } = value.metadata;
  return { kind: String(value.kind), key: `${String(namespace)}/${String(name)}` };
}

/** Where a source is to be looked for: `pools.yaml:7:3`, or `object IPAddressPool metallb-system/lan`. */
export function placeOf(source: Source, path: Path): string {
  const object = objectOf(source);
  if (object !== undefined) return `object ${object.kind} ${object.key}`;
  const { line, column } = source.document.locate([...source.base, ...path]);
  return `${source.key}:${line}:${column}`;
}

/** A problem at a path below the object of the source. */
export function problemAt(source: Source, path: Path, text: ProblemText): ConfigProblem {
  const place = source.document.locate([...source.base, ...path]);
  return problemFrom({ source, path, place }, text);
}

/** What was found, shortened to be shown: text in quotes, other values as in JSON. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isObject(value)) return 'an object';
  return typeof value === 'string' ? `"${shorten(value)}"` : String(value);
}

function kindProblem(source: Source, { kind }: Record<string, unknown>): ConfigProblem | undefined {
  if (typeof kind === 'string' && BGP_KINDS.includes(kind)) {
    const reason = 'Berth announces on layer 2 only and has no BGP';
    return problemAt(source, ['kind'], { found: show(kind), wanted: KINDS.join(' or '), reason });
  }
  if (typeof kind === 'string' && KINDS.includes(kind)) return undefined;
  const meant = typeof kind === 'string' ? nearestName(kind, KINDS) : undefined;
  return problemAt(source, ['kind'], { found: show(kind), wanted: meant ?? KINDS.join(' or ') });
}

function versionProblem(source: Source, { apiVersion }: Record<string, unknown>): ConfigProblem | undefined {
  const isText = typeof apiVersion === 'string';
  if (isText && (apiVersion === API_VERSION || METALLB_API_VERSION.test(apiVersion))) return undefined;
  const wanted = `${API_VERSION}, or MetalLB's metallb.io/v1beta1`;
  return problemAt(source, ['apiVersion'], { found: show(apiVersion), wanted });
}

function checked<T>(source: Source, schema: z.ZodMiniType<T>, wrap: (content: T) => TypedDocument): ParsedDocument {
  const result = schema.safeParse(withoutNulls(schema, source.value), { reportInput: true });
  if (result.success) return { ok: true, typed: wrap(result.data) };
  const issues = result.error.issues.slice(0, MAX_PROBLEMS);
  return { ok: false, problems: issues.flatMap((issue) => problemsOf(source, schema, issue)) };
}

function problemsOf(source: Source, schema: z.ZodMiniType, issue: z.core.$ZodIssue): ConfigProblem[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(schema, path);
    return issue.keys.slice(0, MAX_UNKNOWN_FIELDS).map((key) => unknownField(source, [...path, key], known));
  }
  const { wanted, reason } = wantedBy(issue);
  return [problemAt(source, path, { found: show(issue.input), wanted, ...(reason === undefined ? {} : { reason }) })];
}

function unknownField(source: Source, path: Path, known: readonly string[]): ConfigProblem {
  const key = String(path.at(-1));
  const wanted = nearestName(key, known) ?? `one of ${known.join(', ')}`;
  const place = source.document.locateKey([...source.base, ...path.slice(0, -1)], key);
  return problemFrom({ source, path, place }, { found: `unknown field "${shorten(key)}"`, wanted });
}

function wantedBy(issue: z.core.$ZodIssue): { wanted: string; reason?: string } {
  switch (issue.code) {
    case 'custom':
      return { wanted: String(issue.params?.wanted), reason: String(issue.params?.reason) };
    case 'invalid_type':
      return { wanted: TYPE_WORDS[issue.expected] ?? issue.expected };
    case 'invalid_value':
      return { wanted: issue.values.map(String).join(', ') };
    case 'too_small':
      return {
        wanted: issue.origin === 'array' || issue.origin === 'string' ? 'at least one' : `at least ${issue.minimum}`,
      };
    case 'too_big':
      return { wanted: `at most ${issue.maximum}` };
    default:
      return { wanted: issue.message };
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text (in quotes)',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object with text as values',
};

interface Placed {
  readonly source: Source;
  readonly path: Path;
  readonly place: Place;
}

function problemFrom({ source, path, place }: Placed, text: ProblemText): ConfigProblem {
  const { found, wanted, suggestion } = text;
  const message = `${subjectOf(source)}: ${sentenceOf(text)}`;
  const object = objectOf(source);
  return {
    key: source.key,
    document: source.document.document,
    ...place,
    path: formatPath([...source.base, ...path]),
    found,
    wanted,
    message,
    ...(suggestion === undefined ? {} : { suggestion }),
    ...(object === undefined ? {} : { object: `${object.kind} ${object.key}` }),
  };
}

function formatPath(path: Path): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${step}`))
    .join('');
}

function refused(...problems: readonly ConfigProblem[]): ParsedDocument {
  return { ok: false, problems };
}
