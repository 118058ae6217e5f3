// SPDX-License-Identifier: Apache-2.0

// docs/reference/metrics.md lists the metrics that the daemons really have, and no other.

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Metrics as ControllerMetrics } from '../../packages/controller/src/metrics.ts';
import { Metrics as SpeakerMetrics } from '../../packages/speaker/src/metrics.ts';

const PAGE = 'docs/reference/metrics.md';

/** What sources hold as plain numbers; all else that is read is asked for, or gone through. */
const NUMBERS: readonly unknown[] = [
  'length',
  'rounds',
  'lapses',
  'ready',
  'before',
  'inUse',
  'defences',
  'at-need',
  'ahead',
  'lacking',
  'excess',
  'ownStrays',
  'conntrackFill',
  'keeping',
];

/** Sources of numbers that are all empty: asked for anything, it gives itself, and it has no elements. */
const NOTHING: unknown = new Proxy(() => {}, {
  get: (_, property) => {
    if (NUMBERS.includes(property)) return 0;
    if (property === Symbol.iterator) return function* none() {};
    return property === Symbol.toPrimitive ? () => 0 : NOTHING;
  },
  apply: () => NOTHING,
});

interface Readable {
  text(): Promise<string>;
  page(accept: string): Promise<{ readonly text: string }>;
}

const allMetrics = (): Readable[] => {
  const speaker = new SpeakerMetrics();
  speaker.readFrom(NOTHING as never);
  return [new ControllerMetrics(NOTHING as never), speaker];
};

async function metricsOf(metrics: Readable): Promise<string[]> {
  return [...(await metrics.text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
}

describe(PAGE, () => {
  it('lists every metric of both daemons with its type, and no other', async () => {
    const rows = [...readFileSync(PAGE, 'utf8').matchAll(/^\| `(\w+)` \| (\w+) \|/gm)];
    const listed = rows.map(([, name, type]) => `${name} ${type}`);
    const served = (await Promise.all(allMetrics().map(metricsOf))).flat();
    expect([...new Set(listed)]).to.have.members([...new Set(served)]);
  });

  it('MO-12: are the same series in OpenMetrics, and no family is there twice', async () => {
    for (const metrics of allMetrics()) {
      const { text } = await metrics.page('application/openmetrics-text; version=1.0.0');
      const seriesIn = (page: string) => page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      const stable = (page: string) => seriesIn(page).filter((line) => !line.startsWith('process_'));
      expect(stable(text)).to.deep.equal(stable(await metrics.text()));
      const families = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
      expect(new Set(families).size).to.equal(families.length);
      expect(text)
        .to.match(/\n# EOF\n$/)
        .and.not.match(/\n\n/);
    }
  });
});
