// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { DASHBOARD_FILE, dashboardQueries, grafanaDashboard } from './grafana-dashboard.ts';

/** The page that a test keeps in step with what the daemons serve. */
const METRICS = 'docs/reference/metrics.md';
/** What a histogram adds to its name. */
const OF_HISTOGRAMS = /_(bucket|sum|count)$/;

describe(DASHBOARD_FILE, () => {
  it('is what tools/release/grafana-dashboard.ts says (npm run chart)', () => {
    expect(readFileSync(DASHBOARD_FILE, 'utf8')).to.equal(grafanaDashboard());
  });

  it('MO-06: asks for metrics that the daemons serve, by labels that these have', () => {
    const rows = [...readFileSync(METRICS, 'utf8').matchAll(/^\| `(\w+)` \| \w+ \| (.*?) \|/gm)];
    const labels = new Map(rows.map(([, name = '', list = '']) => [name, list.match(/\w+/g) ?? []]));
    const asked = dashboardQueries().flatMap((query) => [
      ...query.matchAll(/\b(berth_\w+|process_\w+)(?:\{([^}]*)\})?/g),
    ]);
    expect(asked).to.have.length.above(20);
    for (const [, name = '', selector = ''] of asked) {
      const known = labels.get(name) ?? labels.get(name.replace(OF_HISTOGRAMS, ''));
      expect(known, name).to.not.equal(undefined);
      // Given by Prometheus to every series of a pod.
      const all = ['namespace', 'pod', 'node', ...(known ?? [])];
      for (const [, label] of selector.matchAll(/(\w+)[=!]~?"/g)) expect(all, `${name}: ${label}`).to.include(label);
    }
  });
});
