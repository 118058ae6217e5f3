// SPDX-License-Identifier: Apache-2.0
import { systemClock } from '@berth/kube';
import { expect } from 'chai';
import { parseCommandLine } from '../command-line.ts';
import { run } from '../run.ts';

const GOOD =
  'apiVersion: berth.dev/v1\nkind: IPAddressPool\nmetadata: {name: lan}\nspec: {addresses: [192.0.2.0/28]}\n';
const BAD = GOOD.replace('addresses', 'adresses');

async function lint(files: Readonly<Record<string, string>>, ...options: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(parseCommandLine(['lint', ...Object.keys(files), ...options]), {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    readFile: async (name) => files[name] ?? '',
    connect: () => Promise.reject(new Error('lint needs no cluster')),
    clock: systemClock,
  });
  return { code, out: out.join(''), err: err.join('') };
}

describe('kubectl berth lint', () => {
  it('says nothing on the standard output when all is well', async () => {
    expect(await lint({ 'a.yaml': GOOD })).to.deep.equal({ code: 0, out: '', err: '1 pools, no errors, 0 warnings\n' });
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

  it('prints JSON', async () => {
    const { code, out } = await lint({ 'a.yaml': BAD }, '-o', 'json');
    expect(code).to.equal(1);
    expect((JSON.parse(out) as { problems: { path: string }[] }).problems.map(({ path }) => path)).to.include(
      'spec.adresses',
    );
  });
});
