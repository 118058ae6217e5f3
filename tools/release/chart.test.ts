// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { ENVIRONMENT as CONTROLLER_OPTIONS } from '../../packages/controller/src/config.ts';
import { ENVIRONMENT as SPEAKER_OPTIONS } from '../../packages/speaker/src/config.ts';
import { CHART_FOLDER, chartFiles } from './chart.ts';

/** Files of the chart that people write. */
const BY_HAND = ['_helpers.tpl', 'NOTES.txt', 'ip-address-pools.yaml'];

describe(CHART_FOLDER, () => {
  it('is what manifests/ and the options of the daemons say (npm run chart)', async () => {
    for (const [path, text] of await chartFiles())
      expect(readFileSync(join(CHART_FOLDER, path), 'utf8'), path).to.equal(text);
  });

  it('has no template that nobody makes any more', async () => {
    const made = [...(await chartFiles()).keys()].map((path) => path.replace('templates/', ''));
    const found = readdirSync(join(CHART_FOLDER, 'templates')).filter((name) => !BY_HAND.includes(name));
    expect(made).to.include.members(found);
  });

  it('takes every option of both daemons, but those that the templates set', async () => {
    const schema = JSON.parse((await chartFiles()).get('values.schema.json') ?? '');
    const taken = (component: string) => Object.keys(schema.properties[component].properties.options.properties);
    const set = [
      ...['namespace', 'kubeconfig', 'load-balancer-class'],
      ...['metrics-address', 'metrics-auth', 'metrics-cert-folder', 'health-address'],
    ];
    const all = (options: object, ...more: string[]) =>
      Object.keys(options).filter((name) => ![...set, ...more].includes(name));
    expect(taken('controller')).to.have.members(all(CONTROLLER_OPTIONS, 'identity'));
    expect(taken('speaker')).to.have.members(all(SPEAKER_OPTIONS, 'node-name'));
  });

  it('says of every value what it means', async () => {
    const values = (await chartFiles()).get('values.yaml') ?? '';
    const names = Object.entries(parse(values) as Record<string, unknown>).flatMap(([name, value]) =>
      ['image', 'monitoring', 'controller', 'speaker'].includes(name)
        ? Object.keys(value as object).map((inside) => `  ${inside}`)
        : [name],
    );
    for (const name of names) expect(values).to.match(new RegExp(`^ *# .+\n${name}:`, 'm'));
  });
});
