// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Counter, Gauge, Histogram, Registry } from './metric-registry.ts';
import { metricsPage } from './metrics-page.ts';

/** As Prometheus 3 sends it. */
const PROMETHEUS =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
const OPEN = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
const PLAIN = 'text/plain; version=0.0.4; charset=utf-8';

function newRegistry(): Registry {
  const registry = new Registry();
  const registers = [registry];
  new Counter({ name: 'writes_total', help: 'Writes', labelNames: ['result'], registers }).inc({ result: 'done' }, 3);
  const pools = ['lan'];
  new Gauge({
    ...{ name: 'pool_size', help: 'Size', labelNames: ['pool'], registers },
    collect() {
      this.reset();
      for (const pool of pools) this.set({ pool }, pool.length);
    },
  });
  new Histogram({ name: 'took_seconds', help: 'Time', buckets: [0.5], registers }).observe(0.25);
  return registry;
}

describe('metricsPage', () => {
  it('MO-12: writes OpenMetrics, with the same series, for who asks for it', async () => {
    const { text, type } = await metricsPage(newRegistry(), PROMETHEUS);
    expect(type).to.equal(OPEN);
    expect(text).to.equal(
      [
        '# HELP writes Writes',
        '# TYPE writes counter',
        'writes_total{result="done"} 3',
        '# HELP pool_size Size',
        '# TYPE pool_size gauge',
        'pool_size{pool="lan"} 3',
        '# HELP took_seconds Time',
        '# TYPE took_seconds histogram',
        'took_seconds_bucket{le="0.5"} 1',
        'took_seconds_bucket{le="+Inf"} 1',
        'took_seconds_sum 0.25',
        'took_seconds_count 1',
        '# EOF',
        '',
      ].join('\n'),
    );
  });

  it('MO-12: changes nothing for who asks for text afterwards', async () => {
    const registry = newRegistry();
    const before = await metricsPage(registry, undefined);
    await Promise.all([metricsPage(registry, PROMETHEUS), metricsPage(registry, PROMETHEUS)]);
    expect(await metricsPage(registry, undefined)).to.deep.equal(before);
    expect(before.text).to.include('# TYPE writes_total counter\nwrites_total{result="done"} 3\n');
  });

  const rows = [
    { accept: undefined, type: PLAIN },
    { accept: '*/*', type: PLAIN },
    { accept: 'text/plain', type: PLAIN },
    { accept: 'application/openmetrics-text', type: OPEN },
    { accept: 'application/openmetrics-text; version=1.0.0; charset=utf-8', type: OPEN },
    { accept: 'application/openmetrics-text;version=0.0.1', type: PLAIN },
    { accept: 'application/openmetrics-text;q=0', type: PLAIN },
    { accept: 'text/plain;q=0.9,application/openmetrics-text;q=0.1', type: PLAIN },
    { accept: 'application/openmetrics-text;q=x,;;,=', type: PLAIN },
  ];
  for (const { accept, type } of rows)
    it(`MO-12: answers ${JSON.stringify(accept)} with ${type.split(';')[0]}`, async () => {
      expect((await metricsPage(newRegistry(), accept)).type).to.equal(type);
    });
});
