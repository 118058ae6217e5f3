// SPDX-License-Identifier: Apache-2.0
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { parse } from 'yaml';
import { parseCommandLine } from '../command-line.ts';
import { run } from '../run.ts';

const GOOD =
  'apiVersion: berth.dev/v1\nkind: IPAddressPool\nmetadata: {name: lan}\nspec: {addresses: [192.0.2.0/28]}\n';
const BAD = GOOD.replace('addresses', 'adresses');

async function lint(files: Readonly<Record<string, string>>, ...options: string[]) {
  return lintNames(Object.keys(files), files, ...options);
}

/** A name that ends in `/` is a folder. */
async function lintNames(names: readonly string[], files: Readonly<Record<string, string>>, ...options: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(parseCommandLine(['lint', ...names, ...options]), {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    readFile: async (name) => files[name] ?? '',
    listFolder: async (name) =>
      name.endsWith('/') ? Object.keys(files).filter((file) => file.startsWith(name)) : undefined,
    connect: () => Promise.reject(new Error('lint needs no cluster')),
    clock: systemClock,
  });
  return { code, out: out.join(''), err: err.join('') };
}

describe('kubectl berth lint', () => {
  it('says nothing on the standard output when all is well', async () => {
    expect(await lint({ 'a.yaml': GOOD })).to.deep.equal({ code: 0, out: '', err: '1 pool, no errors, 0 warnings\n' });
  });

  it('prints one line per error with its place, and fails', async () => {
    const { code, out, err } = await lint({ 'a.yaml': BAD });
    expect(code).to.equal(1);
    expect(out.split('\n')).to.deep.equal([
      'a.yaml:4:7: error: spec.addresses: IPAddressPool lan: found nothing, wanted a list',
      'a.yaml:4:8: error: spec.adresses: IPAddressPool lan: found unknown field "adresses", wanted addresses',
      '',
    ]);
    expect(err).to.equal('2 errors, 0 warnings\n');
  });

  it('prints warnings, and does not fail for them', async () => {
    const { code, out } = await lint({ 'a.yaml': GOOD.replace('192.0.2.0', '192.0.2.3') });
    expect(code).to.equal(0);
    expect(out).to.match(/^a\.yaml:4:20: warning: spec\.addresses\[0\]: .*192\.0\.2\.0\/28/);
  });

  it('CL-06: takes of a folder what is for Berth, and nothing else', async () => {
    const files = {
      'deploy/pools/lan.yaml': GOOD,
      'deploy/pools/wan.yml': BAD.replace('lan', 'wan'),
      'deploy/kustomization.yaml': 'kind: Kustomization\nresources: [pools/lan.yaml]\n',
      'deploy/chart/deployment.yaml': 'kind: Deployment\nmetadata: { name: {{ .Values.name }} }\n',
      'deploy/README.md': 'kind: IPAddressPool',
    };
    const { code, out, err } = await lintNames(['deploy/'], files);
    expect(code).to.equal(1);
    expect(out.match(/^deploy\S+/gm)?.map((place) => place.split(':')[0])).to.deep.equal([
      'deploy/pools/wan.yml',
      'deploy/pools/wan.yml',
    ]);
    expect(err).to.equal('2 errors, 0 warnings\n');
  });

  it('CL-06: reads a template that cannot be read where it speaks of pools', async () => {
    const template = 'kind: IPAddressPool\nmetadata: { name: {{ .Values.name }} }\n';
    expect((await lintNames(['chart/'], { 'chart/pool.yaml': template })).code).to.equal(1);
  });

  const nothing: { name: string; text: string }[] = [
    { name: 'nothing', text: '' },
    { name: 'blanks and comments', text: '\n# rendered from pools.yaml\n\n' },
    { name: 'an empty document', text: '---\n' },
  ];
  for (const { name, text } of nothing)
    it(`CL-06: finds a file with ${name} in it`, async () => {
      const line = 'a.yaml:1:1: error: document 1: found an empty file';
      const alone = await lint({ 'a.yaml': text });
      expect([alone.code, alone.out.startsWith(line)]).to.deep.equal([1, true]);
      expect((await lint({ 'a.yaml': text, 'b.yaml': GOOD })).code).to.equal(1);
      expect((await lintNames(['x/'], { 'x/a.yaml': text, 'x/b.yaml': GOOD })).out).to.include(`x/${line}`);
    });

  it('CL-06: finds a folder without pools', async () => {
    const { code, out } = await lintNames(['x/'], { 'x/a.yaml': 'kind: Deployment\n' });
    expect([code, out.startsWith('x/:1:1: error: ')]).to.deep.equal([1, true]);
  });

  it('prints YAML that says the same as its JSON', async () => {
    const [json, yaml] = [await lint({ 'a.yaml': BAD }, '-o', 'json'), await lint({ 'a.yaml': BAD }, '-o', 'yaml')];
    expect(parse(yaml.out)).to.deep.equal(JSON.parse(json.out));
  });

  it('prints JSON', async () => {
    const { code, out } = await lint({ 'a.yaml': BAD }, '-o', 'json');
    expect(code).to.equal(1);
    expect((JSON.parse(out) as { problems: { path: string }[] }).problems.map(({ path }) => path)).to.include(
      'spec.adresses',
    );
  });
});
