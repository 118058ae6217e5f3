// SPDX-License-Identifier: Apache-2.0

// docs/reference is current, and its samples are read by the parser. `BERTH_UPDATE=1 npm test -- unit` writes what is
// generated anew.

import { readFileSync, writeFileSync } from 'node:fs';
import { type DocumentKind, EVENT_REASONS, isEventReason, METALLB_REASONS, parsePoolConfig } from '@berth/core';
import { expect } from 'chai';
import { parse } from 'yaml';
import { section } from './markdown.ts';
import { fieldsOf, SCHEMA_FILES, schemaText, withTables } from './reference-files.ts';

const CONFIGURATION = 'docs/reference/configuration.md';
const SAMPLE = 'docs/reference/ip-address-pools.yaml';
const HINT = 'is out of date: run the test once with BERTH_UPDATE=1';

function holds(path: string, wanted: string): void {
  if (process.env.BERTH_UPDATE !== undefined) writeFileSync(path, wanted);
  expect(readFileSync(path, 'utf8'), `${path} ${HINT}`).to.equal(wanted);
}

describe('docs/reference', () => {
  for (const kind of Object.keys(SCHEMA_FILES) as DocumentKind[]) {
    it(`${SCHEMA_FILES[kind]} is what the parser's schema says`, () => holds(SCHEMA_FILES[kind], schemaText(kind)));
  }

  it(`${CONFIGURATION} lists the fields of the parser's schema`, () => {
    holds(CONFIGURATION, withTables(readFileSync(CONFIGURATION, 'utf8')));
  });

  it(`${CONFIGURATION} spells Events as Kubernetes does, or as MetalLB where it has the same one`, () => {
    const rows = section(readFileSync(CONFIGURATION, 'utf8'), 'Events')
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    const reasons = rows.flatMap((row) =>
      [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    );
    expect(reasons.filter((reason) => !isEventReason(reason))).to.deep.equal([]);
    expect(reasons).to.include.members(Object.values({ ...METALLB_REASONS, ...EVENT_REASONS }));
  });

  it(`${SAMPLE} is read without error or warning`, () => {
    const { data } = parse(readFileSync(SAMPLE, 'utf8')) as { data: Record<string, string> };
    const parsed = parsePoolConfig(data);
    expect(parsed.ok ? [] : parsed.problems).to.deep.equal([]);
    expect(parsed.warnings).to.deep.equal([]);
    expect(parsed.ok && parsed.config.advertisements).to.have.length(1);
  });

  it(`${SAMPLE} shows every field`, () => {
    const text = readFileSync(SAMPLE, 'utf8');
    const names = Object.keys(SCHEMA_FILES)
      .flatMap((kind) => fieldsOf(kind as DocumentKind))
      .map((path) => path.replace(/^.*[.\]]/, ''));
    expect(names.filter((name) => !new RegExp(`\\b${name}:`).test(text))).to.deep.equal([]);
  });
});
