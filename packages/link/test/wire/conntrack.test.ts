// SPDX-License-Identifier: Apache-2.0
/**
 * Which flows a node serves, as its kernel's conntrack says. Entries are made by conntrack(8) and by connections that
 * nft(8) gives another address.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fingerprintOf, rowOf } from '@berth/core';
import { conntrackObstacleOf, isNearlyFull } from '@berth/link';
import { expect } from 'chai';
import { buildAddon } from '../../build.ts';
import { addressOf, TCP, UDP } from '../support/packet-frames.ts';
import { SEED } from '../support/spread-frames.ts';
import { type WireHost, WireLan } from '../support/wire-lan.ts';

const VIP = '203.0.113.20';
const OTHER_VIP = '203.0.113.21';
const VIP6 = '2001:db8:5::20';
const CLIENT = '203.0.113.99';
const CLIENT6 = '2001:db8:5::99';

buildAddon();
const hasTools = ['conntrack', 'nft'].every((tool) => spawnSync(tool, ['--version']).status === 0);
const suite = hasTools ? describe : describe.skip;

suite(`conntrack${hasTools ? '' : ' (needs conntrack(8) and nft(8))'}`, () => {
  let lan: WireLan;
  let node: WireHost;
  let client: WireHost;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'berth-conntrack-'));
    lan = await WireLan.up({
      client: { addresses: [`${CLIENT}/24`, `${CLIENT6}/64`] },
      node: { addresses: ['203.0.113.1/24', '2001:db8:5::1/64'] },
    });
    node = lan.host('node');
    client = lan.host('client');
  });

  after(async () => {
    rmSync(folder, { recursive: true });
    await lan.down();
  });

  afterEach(() => node.attempt('conntrack', '--flush'));

  /** Entries in the words of conntrack(8): options of `conntrack --create`. */
  function load(lines: readonly string[]): void {
    const file = join(folder, 'entries');
    writeFileSync(file, lines.map((line) => `-I ${line}\n`).join(''));
    node.run('conntrack', '--load-file', file);
  }

  const entry = ({
    source = CLIENT,
    vip = VIP,
    port = 40000,
    to = '10.1.0.1',
    protocol = 'tcp',
    state = 'ESTABLISHED',
    dport = 80,
  } = {}) =>
    `-p ${protocol} --orig-src ${source} --orig-dst ${vip} --sport ${port} --dport ${dport} --reply-src ${to} --reply-dst ${source} ` +
    `--reply-port-src 8080 --reply-port-dst ${port} -t 300${protocol === 'tcp' ? ` --state ${state}` : ''} -u ASSURED`;

  const flowOf = (sourcePort: number, { protocol = TCP, vip = VIP, source = CLIENT } = {}) => ({
    ...{ source: addressOf(source), destination: addressOf(vip) },
    ...{ sourcePort, destinationPort: 80, protocol },
  });

  it('SP-20: finds the flows of Services, with fingerprint and row as TypeScript has them, and no others', async () => {
    load([
      entry(),
      entry({ port: 40001, protocol: 'udp' }),
      entry({ source: CLIENT6, vip: VIP6, to: 'fd00::1' }),
      entry({ vip: OTHER_VIP, port: 40002 }),
      entry({ dport: 81, port: 40003 }),
      entry({ vip: '203.0.113.22', port: 40004 }),
    ]);
    const { list, total, max } = await node.call('flows', 'flow', VIP, VIP6, OTHER_VIP);
    const row = (flow: ReturnType<typeof flowOf>, service: string) => [
      String(fingerprintOf(flow, SEED)),
      service,
      rowOf(flow, SEED, 'flow', 4096),
    ];
    expect([...list].sort()).to.deep.equal(
      [
        row(flowOf(40000), `${VIP} TCP`),
        row(flowOf(40001, { protocol: UDP }), `${VIP} UDP`),
        row(flowOf(40000, { source: CLIENT6, vip: VIP6 }), `${VIP6} TCP`),
        row(flowOf(40002, { vip: OTHER_VIP }), `${OTHER_VIP} TCP`),
      ].sort(),
    );
    expect(total).to.equal(6);
    expect(max).to.be.greaterThan(1000);
  });

  it('SP-20: has the row of the client where rows go by client', async () => {
    load([entry(), entry({ port: 40001 })]);
    const { list } = await node.call('flows', 'client', VIP);
    const wanted = rowOf(flowOf(40000), SEED, 'client', 4096);
    expect(list.map(([, , row]) => row)).to.deep.equal([wanted, wanted]);
  });

  it('SP-21: leaves out connections that are over, and those that nobody gave another address', async () => {
    const states = ['SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE'];
    load(states.map((state, index) => entry({ state, port: 41000 + index })));
    load([
      `-p tcp --orig-src ${CLIENT} --orig-dst ${VIP} --sport 42000 --dport 80 --reply-src ${VIP} --reply-dst ${CLIENT} ` +
        '--reply-port-src 80 --reply-port-dst 42000 -t 300 --state ESTABLISHED -u ASSURED',
    ]);
    const { list } = await node.call('flows', 'flow', VIP);
    const kept = states.filter((_, index) =>
      list.some(([fingerprint]) => fingerprint === String(fingerprintOf(flowOf(41000 + index), SEED))),
    );
    expect(kept).to.deep.equal(['SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT']);
    expect(list).to.have.length(5);
  });

  it('SP-21: finds a real connection through a rule as kube-proxy has it, until it is closed', async () => {
    node.run('ip', 'address', 'add', '10.1.0.1/32', 'dev', 'lo');
    node.run('nft', 'add table ip t; add chain ip t c { type nat hook prerouting priority dstnat; }');
    node.run('nft', `add rule ip t c ip daddr ${VIP} tcp dport 80 dnat to 10.1.0.1:80`);
    client.run(
      'ip',
      'neighbor',
      'replace',
      VIP,
      'lladdr',
      await node.call('macOf', 'lan0'),
      'nud',
      'permanent',
      'dev',
      'lan0',
    );
    await node.call('serveAs', 'node');
    expect(await client.call('dial', 'one', VIP)).to.match(/^node /);
    const port = (await client.call('localPortOf', 'one')) ?? 0;
    const { list } = await node.call('flows', 'flow', VIP);
    expect(list.map(([fingerprint]) => fingerprint)).to.deep.equal([String(fingerprintOf(flowOf(port), SEED))]);
    expect(await client.call('upload', 'one', 1000)).to.equal('1000');
    await client.call('hangUp', 'one');
    expect((await node.call('flows', 'flow', VIP)).list).to.deep.equal([]);
  });

  it('SP-22: reads 50,000 entries beside JavaScript, which never stands still for long', async () => {
    load(
      Array.from({ length: 50_000 }, (_, index) =>
        entry({ source: `198.51.${100 + (index >> 14)}.${1 + ((index >> 7) & 0x7f)}`, port: 10_000 + (index & 0x7f) }),
      ),
    );
    const { longestMs, count } = await node.call('readManyTimes', 3, VIP);
    expect(count).to.equal(50_000);
    expect(longestMs).to.be.lessThan(100);
  });

  it('SP-23: says that a table is nearly full from 90 percent on', () => {
    expect([899, 900, 1000].map((total) => isNearlyFull({ total, max: 1000 }))).to.deep.equal([false, true, true]);
    expect(isNearlyFull({ total: 5, max: 0 })).to.equal(false);
  });

  it('SP-23: says what is in the way', () => {
    const of = (code: string) => conntrackObstacleOf(Object.assign(new Error(code), { code }));
    expect(['EINVAL', 'EPROTONOSUPPORT', 'EPERM', 'ENOMEM', 'ETIMEDOUT'].map(of)).to.deep.equal([
      ...['no-conntrack', 'no-conntrack', 'no-permission', 'out-of-memory', 'unknown'],
    ]);
  });

  it('SP-23: a process without CAP_NET_ADMIN is told so', () => {
    const program = join(import.meta.dirname, '..', 'support', 'read-conntrack.ts');
    const argv = ['--bounding-set=-net_admin', '--inh-caps=-net_admin', process.execPath, program];
    expect(execFileSync('setpriv', argv, { encoding: 'utf8' }).trim()).to.equal('no-permission');
    expect(execFileSync(process.execPath, [program], { encoding: 'utf8' }).trim()).to.equal('none');
  });
});
