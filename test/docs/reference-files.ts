// SPDX-License-Identifier: Apache-2.0

// The generated part of docs/reference: JSON Schemas, and the tables of fields in configuration.md. Pure.

import { type DocumentKind, documentSchemas } from '@berth/core';

type Schema = { readonly [field: string]: unknown };

/** Path of the JSON Schema of a kind, relative to the root of the repository. */
export const SCHEMA_FILES: Readonly<Record<DocumentKind, string>> = {
  IPAddressPool: 'docs/reference/ip-address-pool.schema.json',
  L2Advertisement: 'docs/reference/l2-advertisement.schema.json',
};

/** Content of a schema file. */
export function schemaText(kind: DocumentKind): string {
  const text = JSON.stringify(documentSchemas()[kind], null, 2);
  // As the formatter of the repository writes short lists.
  return `${text.replace(/\[\n\s+([^[\]{}]*?)\n\s+\]/g, (_, items: string) => `[${items.replace(/,\n\s+/g, ', ')}]`)}\n`;
}

/** All fields below `spec` of a kind, as `serviceAllocation.namespaces[]`. */
export function fieldsOf(kind: DocumentKind): string[] {
  return rowsOf(specOf(kind), '').map(([path = '']) => path);
}

/** The document with every table between its marks made anew. */
export function withTables(markdown: string): string {
  return markdown.replace(
    /(<!-- fields of (\w+): generated -->\n)[\s\S]*?(<!-- end of fields -->)/g,
    (_, head: string, kind: DocumentKind, end: string) => `${head}${tableOf(kind)}${end}`,
  );
}

function tableOf(kind: DocumentKind): string {
  const rows = rowsOf(specOf(kind), '').map(([path, type, meaning]) => `| \`${path}\` | ${type} | ${meaning} |`);
  return ['| field of `spec` | type | meaning |', '|---|---|---|', ...rows, ''].join('\n');
}

function specOf(kind: DocumentKind): Schema {
  return childOf(documentSchemas()[kind], 'spec');
}

function rowsOf(schema: Schema, prefix: string): string[][] {
  const required = (schema.required ?? []) as readonly string[];
  return Object.entries((schema.properties ?? {}) as Record<string, Schema>).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const notes = [field.description ?? '', required.includes(name) ? 'Required.' : '', defaultOf(field)];
    const row = [path, typeOf(field), notes.filter((note) => note !== '').join(' ')];
    // A label selector has one meaning everywhere and is explained once.
    if (isSelector(field)) return [row];
    const items = (field.items ?? {}) as Schema;
    return [row, ...rowsOf(field, `${path}.`), ...(isSelector(items) ? [] : rowsOf(items, `${path}[].`))];
  });
}

function typeOf(field: Schema): string {
  if (isSelector(field)) return 'label selector';
  if (field.type === 'array') return `list of ${typeOf((field.items ?? {}) as Schema)}`;
  if (field.type === 'string') return 'text';
  if (field.type === 'integer') return 'number';
  if (field.type === 'boolean') return 'true or false';
  return 'object';
}

function defaultOf(field: Schema): string {
  return field.default === undefined ? '' : `Default: ${String(field.default)}.`;
}

function isSelector(schema: Schema): boolean {
  return 'matchExpressions' in ((schema.properties ?? {}) as object);
}

function childOf(schema: Schema, name: string): Schema {
  return ((schema.properties ?? {}) as Record<string, Schema>)[name] ?? {};
}
