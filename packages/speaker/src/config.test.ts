// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { readConfig } from './config.ts';

function problems(...argv: string[]): readonly string[] {
  const read = readConfig(argv, { NODE_NAME: 'edge-1' });
  return read.ok ? [] : read.problems;
}

describe('readConfig', () => {
  it('has a default for everything but the name of the node', () => {
    const read = readConfig([], { NODE_NAME: 'edge-1' });
    if (!read.ok) throw new Error(read.problems.join('\n'));
    expect(read.config).to.include({
      nodeName: 'edge-1',
      namespace: 'berth-system',
      loadBalancerClass: 'berth.dev/l2',
      rebalance: 'unbroken',
      engine: 'auto',
    });
    expect(read.config.timing).to.include({
      intervalMs: 25,
      deadAfterMs: 200,
      answerFenceMs: 150,
      processFenceMs: 500,
    });
    expect(read.config.metricsAddress).to.deep.equal({ host: undefined, port: 7481 });
    expect(read.config.excludedInterfaces.some((pattern) => pattern.test('veth0abc'))).to.equal(true);
  });

  it('takes a URL or off for the health of kube-proxy', () => {
    expect(problems('--kube-proxy-health=off')).to.deep.equal([]);
    expect(problems('--kube-proxy-health=http://[::1]:10256/healthz')).to.deep.equal([]);
    for (const wrong of ['10256', 'http://:10256/healthz', 'http://127.0.0.1:healthz', 'https://127.0.0.1:10256'])
      expect(problems(`--kube-proxy-health=${wrong}`)[0], wrong).to.match(
        /^--kube-proxy-health: .*wanted a URL with http:\/\/ or off/,
      );
  });

  it('refuses a socket of the keeper with a path that no socket can have', () => {
    expect(problems(`--keeper-socket=/run/${'k'.repeat(102)}`)).to.deep.equal([]);
    expect(problems(`--keeper-socket=/run/${'k'.repeat(103)}`)[0]).to.match(/^--keeper-socket: .*at most 107 bytes/);
  });

  it('refuses times of which fewer than four heartbeats fit', () => {
    expect(problems('--heartbeat-ms=50', '--dead-after-ms=100')).to.deep.equal([
      '--dead-after-ms: dead after: found 100 ms, want 200 to 30000 ms',
    ]);
  });

  it('takes an argument before the environment', () => {
    const read = readConfig(['--node-name=edge-2'], { NODE_NAME: 'edge-1', LOG_LEVEL: 'debug' });
    expect(read.ok && [read.config.nodeName, read.config.logLevel]).to.deep.equal(['edge-2', 'debug']);
  });

  it('IF-05: takes patterns as they are written, separated by commas', () => {
    const read = readConfig(['--exclude-interfaces=^(eth1|eth2)$,wg'], { NODE_NAME: 'edge-1' });
    expect(read.ok && read.config.excludedInterfaces).to.deep.equal([/^(eth1|eth2)$/, /wg/]);
  });

  for (const { list, excluded, used } of [
    { list: '!^virbr7$', excluded: ['virbr0', 'veth1'], used: ['virbr7', 'eth0'] },
    { list: 'default,!^virbr,^eth9$', excluded: ['veth1', 'eth9'], used: ['virbr0', 'virbr7'] },
    { list: '^eth,!^eth1$', excluded: ['eth0', 'eth2'], used: ['eth1', 'veth1'] },
    { list: 'default,^eth9$', excluded: ['veth1', 'eth9'], used: ['eth0'] },
  ])
    it(`IF-05: reads ${list}: the default, more, and exceptions`, () => {
      const read = readConfig([`--exclude-interfaces=${list}`], { NODE_NAME: 'edge-1' });
      const isExcluded = (name: string) => read.ok && read.config.excludedInterfaces.some((one) => one.test(name));
      expect([...excluded, ...used].filter(isExcluded)).to.deep.equal(excluded);
    });

  it('IF-05: names what is no regular expression, exceptions too', () => {
    expect(problems('--exclude-interfaces=default,!(,!')).to.have.length(2);
  });

  for (const { address, host, port } of [
    { address: '127.0.0.1:80', host: '127.0.0.1', port: 80 },
    { address: '[::1]:9', host: '::1', port: 9 },
    { address: ':7481', host: undefined, port: 7481 },
  ]) {
    it(`reads ${address}`, () => {
      const read = readConfig([`--metrics-address=${address}`], { NODE_NAME: 'edge-1' });
      expect(read.ok && read.config.metricsAddress).to.deep.equal({ host, port });
    });
  }

  it('tells all problems at once', () => {
    const read = readConfig(
      ['--exclude-interfaces=(', '--heartbeat-ms=1', '--metrics-address=80', '--log-level=loud', '--engine=steam'],
      {},
    );
    expect(read.ok ? [] : read.problems.map((problem) => problem.split(':')[0])).to.have.members([
      '--node-name',
      '--exclude-interfaces',
      '--heartbeat-ms',
      '--metrics-address',
      '--log-level',
      '--engine',
    ]);
  });

  it('names an option that it does not know', () => {
    expect(problems('--bogus=1')[0]).to.contain('--bogus');
  });
});
