// SPDX-License-Identifier: Apache-2.0
import { PoolCatalog, type PoolConfig, parsePoolConfig } from '@berth/core';
import type { LinkState, NeighborTables } from '@berth/link';
import { FakeClock, RecordingLog, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ip, link } from '../testing.ts';
import { OwnAddressWatch } from './own-address-watch.ts';

const LOOK_MS = 5_000;
const ROUTER: NeighborTables = { gateways: [{ ifindex: 4, ip: ip('192.0.2.1') }], neighbors: [] };

function poolOf(...addresses: string[]): PoolConfig {
  const spec = `{ addresses: [${addresses.join(', ')}] }`;
  const text = `{ apiVersion: berth.dev/v1, kind: IPAddressPool, metadata: { name: lan }, spec: ${spec} }`;
  const parsed = parsePoolConfig({ 'pools.yaml': text });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.config;
}

function eth0(...texts: string[]): LinkState {
  const addresses = texts.map((text) => ({ ifindex: 4, address: ip(text), prefixLength: 24, isTentative: false }));
  return link(4, 'eth0', { addresses });
}

describe('OwnAddressWatch', () => {
  let clock: FakeClock;
  let log: RecordingLog;
  let tables: NeighborTables | Error;
  let links: LinkState[];
  let joined: string[];
  let config: PoolConfig;
  let excluded: RegExp[];
  let told: string[];
  let watch: OwnAddressWatch;

  beforeEach(() => {
    clock = new FakeClock(new Date(0));
    log = new RecordingLog();
    tables = ROUTER;
    links = [eth0('192.0.2.2')];
    joined = ['eth0'];
    config = poolOf('192.0.2.0/28');
    excluded = [];
    told = [];
  });

  function start(): OwnAddressWatch {
    watch = new OwnAddressWatch({
      ...{ clock, log, excluded },
      links: () => links,
      joined: () => new Set(joined),
      config: () => config,
      pools: () => new PoolCatalog(config),
      readTables: async () => {
        if (tables instanceof Error) throw tables;
        return tables;
      },
    });
    watch.gatewayNews.subscribe(() => told.push(`gateways ${watch.gateways.map(({ address }) => address)}`));
    watch.news.subscribe(() => told.push(`conflicts ${found()}`));
    watch.start();
    return watch;
  }

  const found = () => watch.conflicts.map(({ vip, user }) => `${vip} ${user}`);

  afterEach(() => watch.stop());

  it('CF-15: tells once of an address of this node, of its gateway and of the end of a subnet', async () => {
    start();
    await settle();
    await clock.advance(3 * LOOK_MS);
    expect(told).to.deep.equal(['gateways 192.0.2.1', 'conflicts 192.0.2.0 subnet,192.0.2.1 gateway,192.0.2.2 node']);
  });

  it('keeps the time at which each was found first', async () => {
    start();
    await clock.advance(LOOK_MS);
    links = [eth0('192.0.2.2', '192.0.2.3')];
    await clock.advance(LOOK_MS);
    expect(watch.conflicts.map(({ vip, sinceSeconds }) => `${vip} ${sinceSeconds}`)).to.deep.equal([
      '192.0.2.0 0',
      '192.0.2.1 0',
      '192.0.2.2 0',
      '192.0.2.3 10',
    ]);
  });

  it('keeps what it found while the kernel says nothing', async () => {
    start();
    await settle();
    tables = new Error('netlink: dump: EBUSY');
    await clock.advance(LOOK_MS);
    expect(watch.gateways.map(({ address }) => String(address))).to.deep.equal(['192.0.2.1']);
    expect(found()).to.have.length(3);
    expect(log.lines).to.include('warn gateways are not known');
  });

  it('does not look at the addresses of an interface that is excluded, but at its gateway', async () => {
    excluded = [/^eth/];
    start();
    await settle();
    expect(found()).to.deep.equal(['192.0.2.1 gateway']);
  });

  it('learns the gateways before it is started', async () => {
    start().stop();
    told = [];
    tables = { gateways: [{ ifindex: 4, ip: ip('192.0.2.9') }], neighbors: [] };
    await watch.learn();
    expect(told).to.deep.equal(['gateways 192.0.2.9']);
  });

  it('names each entry of a pool once that lies in no subnet, and none without a segment', async () => {
    config = poolOf('192.0.2.0/28', '198.51.100.0/28');
    joined = [];
    start();
    expect(watch.outside).to.deep.equal([]);
    joined = ['eth0'];
    await clock.advance(3 * LOOK_MS);
    expect(watch.outside).to.deep.equal([{ pool: 'lan', entry: '198.51.100.0/28' }]);
    const warnings = log.lines.filter((line) => line.startsWith('warn pool has addresses outside'));
    expect(warnings).to.have.length(1);
  });

  it('says nothing after its end', async () => {
    start().stop();
    await settle();
    expect([told, clock.pendingTimers]).to.deep.equal([[], 0]);
  });
});
