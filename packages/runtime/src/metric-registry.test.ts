// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Counter, Gauge, Histogram, Registry } from './metric-registry.ts';

describe('Registry', () => {
  it('writes the text that Prometheus reads, a blank line between metrics', async () => {
    const registry = new Registry();
    const writes = new Counter({
      name: 'writes_total',
      help: 'Writes,\nby result',
      labelNames: ['result'],
      registers: [registry],
    });
    writes.inc({ result: 'done' });
    writes.inc({ result: 'done' }, 2);
    new Counter({ name: 'errors_total', help: 'Errors', registers: [registry] });
    new Gauge({ name: 'up', help: 'Whether it is up', registers: [registry] }).set(0.5);
    expect(await registry.metrics()).to.equal(
      [
        '# HELP writes_total Writes,\\nby result',
        '# TYPE writes_total counter',
        'writes_total{result="done"} 3',
        '',
        '# HELP errors_total Errors',
        '# TYPE errors_total counter',
        'errors_total 0',
        '',
        '# HELP up Whether it is up',
        '# TYPE up gauge',
        'up 0.5',
        '',
      ].join('\n'),
    );
  });

  it('refuses a second metric of a name', () => {
    const registers = [new Registry()];
    new Gauge({ name: 'up', help: 'x', registers });
    expect(() => new Counter({ name: 'up', help: 'x', registers })).to.throw('up has already been registered');
  });
});

describe('Gauge', () => {
  it('is read anew each time, and has no series while nothing is known', async () => {
    const registry = new Registry();
    const pools: string[] = [];
    new Gauge({
      name: 'pool_size',
      help: 'Size',
      labelNames: ['pool'],
      registers: [registry],
      collect() {
        this.reset();
        for (const pool of pools) this.set({ pool }, pool.length);
      },
    });
    const head = '# HELP pool_size Size\n# TYPE pool_size gauge\n';
    expect(await registry.metrics()).to.equal(head);
    pools.push('lan');
    expect(await registry.metrics()).to.equal(`${head}pool_size{pool="lan"} 3\n`);
    pools.pop();
    expect(await registry.metrics()).to.equal(head);
  });

  it('has no series without labels while nothing is known', async () => {
    const registry = new Registry();
    let size: number | undefined;
    new Gauge({
      name: 'queue_length',
      help: 'Length',
      registers: [registry],
      collect() {
        if (size === undefined) this.remove();
        else this.set(size);
      },
    });
    expect(await registry.metrics()).not.to.match(/^queue_length/m);
    size = 0;
    expect(await registry.metrics()).to.match(/^queue_length 0$/m);
  });

  const values = [
    { value: Number.POSITIVE_INFINITY, text: '+Inf' },
    { value: Number.NEGATIVE_INFINITY, text: '-Inf' },
    // Go's ParseFloat, by which Prometheus reads values, takes it in any case.
    { value: Number.NaN, text: 'Nan' },
    { value: -1e21, text: '-1e+21' },
  ];
  for (const { value, text } of values) {
    it(`writes ${text}`, async () => {
      const registry = new Registry();
      new Gauge({ name: 'x', help: 'x', registers: [registry] }).set(value);
      expect(await registry.metrics()).to.match(new RegExp(`^x ${text.replace('+', '\\+')}$`, 'm'));
    });
  }

  it('escapes what labels may hold', async () => {
    const registry = new Registry();
    new Gauge({ name: 'x', help: 'x', labelNames: ['a'], registers: [registry] }).set({ a: 'b"c\\d\ne' }, 1);
    expect(await registry.metrics()).to.include('x{a="b\\"c\\\\d\\ne"} 1');
  });
});

describe('Counter', () => {
  it('counts the same labels as one series, in whatever order they are given', async () => {
    const registry = new Registry();
    const counter = new Counter({ name: 'x', help: 'x', labelNames: ['a', 'b'], registers: [registry] });
    counter.inc({ a: '1', b: '2' });
    counter.inc({ b: '2', a: '1' });
    expect(await registry.metrics()).to.include('x{a="1",b="2"} 2\n');
  });

  it('refuses to shrink, and labels that it does not have', () => {
    const counter = new Counter({ name: 'x', help: 'x', labelNames: ['a'], registers: [new Registry()] });
    expect(() => counter.inc({ a: 'b' }, -1)).to.throw('decrease');
    expect(() => counter.inc({ b: 'c' } as never)).to.throw('label "b"');
  });
});

describe('Histogram', () => {
  it('counts what is at most the bound of each bucket', async () => {
    const registry = new Registry();
    const seconds = new Histogram({ name: 'took_seconds', help: 'Time', buckets: [0.1, 1], registers: [registry] });
    for (const value of [0.05, 0.1, 0.5, 2]) seconds.observe(value);
    const text = await registry.metrics();
    expect(text.match(/^took_seconds_bucket.*$/gm)).to.deep.equal([
      'took_seconds_bucket{le="0.1"} 2',
      'took_seconds_bucket{le="1"} 3',
      'took_seconds_bucket{le="+Inf"} 4',
    ]);
    expect(text).to.include('took_seconds_count 4\n').and.include('took_seconds_sum 2.65\n');
  });
});

describe('the files of the client library that are loaded one by one', () => {
  it('are the ones that its public entry exports', async () => {
    const whole = await import('@prometheus-io/client');
    expect({ Counter, Gauge, Histogram, Registry }).to.deep.equal({
      Counter: whole.Counter,
      Gauge: whole.Gauge,
      Histogram: whole.Histogram,
      Registry: whole.Registry,
    });
  });
});
