// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { parsePoolConfig } from './parse.ts';
import { MAX_DOCUMENTS, MAX_KEYS, MAX_PROBLEMS, MAX_TOKENS, MAX_VALUES, ReadingBudget } from './reading-budget.ts';
import { MAX_TEXT_CHARACTERS } from './yaml-documents.ts';

/** Everything that may be counted, and what was refused once: a value by aliases stands for as many as all. */
const MAX_WORK = MAX_TOKENS + 2 * MAX_VALUES + MAX_DOCUMENTS + MAX_KEYS + 10;

function workOf({ spent }: ReadingBudget): number {
  return spent.tokens + spent.values + spent.documents + spent.keys;
}

function laughs(levels: number): string {
  const name = (level: number) => `level${level}`;
  const lines = [`${name(0)}: &${name(0)} [ha, ha, ha, ha, ha, ha, ha, ha, ha]`];
  for (let level = 1; level < levels; level++) {
    lines.push(
      `${name(level)}: &${name(level)} [${Array(9)
        .fill(`*${name(level - 1)}`)
        .join(', ')}]`,
    );
  }
  return lines.join('\n');
}

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join('\n');
}

function poolWith(spec: string): string {
  return `apiVersion: berth.dev/v1\nkind: IPAddressPool\nmetadata: {name: x}\nspec:\n${spec}`;
}

describe('parsePoolConfig on odd input', () => {
  const odd = [
    { name: 'a billion laughs', text: laughs(20) },
    { name: 'an alias of itself', text: 'a: &a [*a]' },
    { name: 'an alias of nothing', text: 'a: *b' },
    { name: 'half a million brackets', text: '['.repeat(500_000) },
    { name: 'a thousand levels of keys', text: lines(1000, (index) => `${' '.repeat(index)}a:`) },
    { name: 'a quarter of a million documents', text: '---\n'.repeat(262_000) },
    { name: 'a quarter of a million items', text: '- 1\n'.repeat(262_000) },
    { name: 'a hundred thousand keys', text: lines(100_000, (index) => `k${index}: 1`) },
    { name: 'one key two hundred thousand times', text: 'a: 1\n'.repeat(200_000) },
    { name: 'sixty thousand unknown fields', text: poolWith(lines(60_000, (index) => `  k${index}: 1`)) },
    { name: 'forty thousand equal entries', text: poolWith(`  addresses:\n${'  - 10.0.0.0/8\n'.repeat(40_000)}`) },
    {
      name: 'thirty thousand reservations',
      text: poolWith(
        `  addresses: [10.0.0.0/8]\n  reserved:\n${lines(20_000, (i) => `  - {address: 10.0.${i >> 8}.${i & 255}, service: a/b}`)}`,
      ),
    },
    { name: 'a text that never ends', text: `"${'x'.repeat(1_000_000)}` },
    { name: 'tabs', text: 'a:\n\t- b' },
    { name: 'bytes that are no text', text: '\u0000\u0001\ufffe' },
    { name: 'more than a ConfigMap can hold', text: ' '.repeat(MAX_TEXT_CHARACTERS + 1) },
    {
      name: 'a huge number',
      text: poolWith(`  addresses: [10.0.0.0/8]\n  quota: {perNamespace: ${'9'.repeat(5000)}}`),
    },
    { name: 'a folded text of 300,000 lines', text: poolWith(`  cooldown: >\n${'   x\n'.repeat(300_000)}`) },
    { name: 'an apiVersion of a million digits', text: `apiVersion: metallb.io/v${'1'.repeat(1_000_000)}!` },
    { name: 'keys that are objects', text: '? {a: b}\n: c' },
    { name: 'an object with a length for a list', text: poolWith('  addresses: {length: {}}') },
    {
      name: 'an object with a length for a text',
      text: poolWith(
        '  addresses: [10.0.0.0/8]\n  serviceAllocation: {namespaceSelectors: [{matchExpressions: [{key: {length: {}}}]}]}',
      ),
    },
    { name: '__proto__', text: poolWith('  __proto__: {addresses: [10.0.0.0/8]}\n  addresses: [10.0.0.0/8]') },
  ];
  for (const { name, text } of odd) {
    it(`refuses ${name} after bounded work, with a place`, () => {
      const budget = new ReadingBudget();
      const parsed = parsePoolConfig({ 'pools.yaml': text }, { budget });
      if (parsed.ok) throw new Error('was accepted');
      expect(workOf(budget)).to.be.lessThan(MAX_WORK);
      expect(parsed.problems.length).to.be.within(1, MAX_PROBLEMS);
      expect(parsed.warnings.length).to.be.at.most(MAX_PROBLEMS);
      for (const { line, column, message, wanted } of parsed.problems) {
        expect(line).to.be.greaterThan(0);
        expect(column).to.be.greaterThan(0);
        expect(wanted).to.not.equal('');
        expect(message.length).to.be.lessThan(600);
      }
    });
  }

  it('SE-01: counts over all keys together', () => {
    const budget = new ReadingBudget();
    const data = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`${index}.yaml`, '- a']));
    const parsed = parsePoolConfig(data, { budget });
    expect(parsed.ok).to.equal(false);
    expect(workOf(budget)).to.be.lessThan(MAX_WORK);
  });

  it('reads six thousand entries, and eight hundred pools', () => {
    const entries = poolWith(`  addresses:\n${lines(6_000, (index) => `  - 10.${index >> 8}.${index & 255}.0/24`)}`);
    expect(parsePoolConfig({ 'pools.yaml': entries }).ok).to.equal(true);
    const pool = (index: number) =>
      poolWith(`  addresses: [10.${index >> 8}.${index & 255}.0/24]`).replace('{name: x}', `{name: p${index}}`);
    expect(parsePoolConfig({ 'pools.yaml': lines(800, (index) => `---\n${pool(index)}`) }).ok).to.equal(true);
  }).timeout(20_000);

  it('SE-01: never throws, whatever the text', () => {
    const word = fc.constantFrom(
      'apiVersion: berth.dev/v1',
      'kind: IPAddressPool',
      'metadata: {name: a}',
      'spec:',
      '  addresses:',
      '  - 10.0.0.0/8',
      '---',
      '&a',
      '*a',
      '- ',
      '{',
      '[',
      '"',
      '\t',
      ': ',
      '!!set',
      '? ',
      '|',
      '>',
      '#',
      '%YAML 1.1',
      '<<: *a',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(word, { maxLength: 30 }).map((words) => words.join('\n')),
      fc.array(word, { maxLength: 30 }).map((words) => words.join('')),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        const parsed = parsePoolConfig({ 'pools.yaml': candidate });
        expect(parsed.ok || parsed.problems.length > 0).to.equal(true);
      }),
      { numRuns: 500 },
    );
  }).timeout(60_000);

  it('never throws on documents of the right shape with any values', () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const spec = fc.dictionary(
      fc.constantFrom(
        'addresses',
        'autoAssign',
        'exclude',
        'reserved',
        'quota',
        'cooldown',
        'serviceAllocation',
        'interfaces',
        'nodeSelectors',
        'extra',
      ),
      value,
    );
    const document = fc.record({
      apiVersion: fc.constant('berth.dev/v1'),
      kind: fc.constantFrom('IPAddressPool', 'L2Advertisement'),
      metadata: fc.oneof(value, fc.record({ name: fc.constantFrom('a', 'b') })),
      spec,
    });
    fc.assert(
      fc.property(fc.array(document, { maxLength: 4 }), (documents) => {
        const text = documents.map((one) => JSON.stringify(one)).join('\n---\n');
        const parsed = parsePoolConfig({ 'pools.yaml': text });
        expect(parsed.ok || parsed.problems.length > 0).to.equal(true);
      }),
      { numRuns: 300 },
    );
  }).timeout(60_000);
});
