// SPDX-License-Identifier: Apache-2.0
/** What the schemas know of the fields of a document. */
import type * as z from 'zod/mini';
import { isObject } from './is-object.ts';
import type { Path } from './yaml-text-parts.ts';

/**
 * The value without the fields of the schema that are null: the API server takes them for not given, and exports are
 * full of them. In maps of a user's own keys, such as matchLabels, null stays and is refused: without it a selector
 * would match more.
 */
export function withoutNulls(schema: z.ZodMiniType | undefined, value: unknown): unknown {
  const { shape, element } = defOf(schema) ?? {};
  if (element !== undefined && Array.isArray(value)) return value.map((item) => withoutNulls(element, item));
  if (shape === undefined || !isObject(value)) return value;
  const isGiven = ([key, field]: [string, unknown]) => field !== null || !Object.hasOwn(shape, key);
  const given = Object.entries(value).filter(isGiven);
  const fields = given.map(([key, field]) => [
    key,
    Object.hasOwn(shape, key) ? withoutNulls(shape[key], field) : field,
  ]);
  return Object.assign(Object.create(null), Object.fromEntries(fields));
}

/** The names of the fields that the schema knows at a path. */
export function fieldsAt(schema: z.ZodMiniType, path: Path): string[] {
  let current: SchemaDef | undefined = defOf(schema);
  for (const step of path) current = defOf(typeof step === 'number' ? current?.element : current?.shape?.[step]);
  return Object.keys(current?.shape ?? {});
}

/** What zod keeps of objects, lists, and of what wraps another schema. */
interface SchemaDef {
  readonly shape?: Readonly<Record<string, z.ZodMiniType>>;
  readonly element?: z.ZodMiniType;
  readonly innerType?: z.ZodMiniType;
}

/** The definition of a schema, or of what it wraps when it is optional or has a default. */
function defOf(schema: z.ZodMiniType | undefined): SchemaDef | undefined {
  const def = schema?._zod.def as SchemaDef | undefined;
  return def?.innerType === undefined ? def : defOf(def.innerType);
}
