// SPDX-License-Identifier: Apache-2.0
import { type AddressConflict, type IpAddress, type PoolConfig, parsePoolConfig } from '@berth/core';
import type { ClaimListener } from '@berth/link';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import type { Segment } from '../layer2/segments.ts';
import { ip, mac } from '../testing.ts';
import { AddressClearance } from './address-clearance.ts';
import type { WiredSegment } from './first-use.ts';
import { ProbingAhead } from './probing-ahead.ts';

const LAN: Segment = { ifindex: 2, ifname: 'eth0', mac: mac(2), families: ['IPv4'] };
const STRANGER = mac(0x99);

function pools(...documents: string[]): PoolConfig {
  const parsed = parsePoolConfig({ 'pools.yaml': documents.join('\n---\n') });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

const POOL =
  '{ apiVersion: berth.dev/v1, kind: IPAddressPool, metadata: { name: lan }, spec: { addresses: [192.0.2.16/28] } }';
const POLICY =
  '{ apiVersion: berth.dev/v1, kind: L2Advertisement, metadata: { name: far }, spec: { interfaces: [eth9] } }';

describe('ProbingAhead', () => {
  let clock: FakeClock;
  let config: PoolConfig;
  let taken: IpAddress[];
  let phase: string;
  let members: string[];
  let probed: string[];
  let listeners: Set<ClaimListener>;
  let found: AddressConflict[];
  let ahead: ProbingAhead;

  beforeEach(() => {
    clock = new FakeClock();
    config = pools(POOL);
    taken = [ip('192.0.2.17')];
    phase = 'active';
    members = [];
    probed = [];
    listeners = new Set();
    found = [];
    const clearance = new AddressClearance({
      clock,
      prober: {
        probe: ({ candidate }) => {
          probed.push(String(candidate));
          return Promise.resolve({ end: 'free' });
        },
      },
      isOurs: () => false,
      isNode: async () => false,
    });
    clearance.found.subscribe((one) => found.push(one));
    ahead = new ProbingAhead({
      clock,
      nodeName: 'node-1',
      clearance,
      receiver: {
        listen: (listener) => {
          listeners.add(listener);
          return { send: () => true, drain: () => {}, close: () => listeners.delete(listener) };
        },
      },
      config: () => config,
      taken: () => taken,
      joined: () => [wired()],
    });
    ahead.start();
  });

  // Phase and names are all that is looked at.
  function wired(): WiredSegment {
    const state = { phase, members: members.map((node) => ({ node, mac: mac(1) })) };
    return { segment: LAN, loop: { state } } as unknown as WiredSegment;
  }

  function heard(): string[] {
    return [...listeners].map(({ address }) => String(address).replace('192.0.2.', '.'));
  }

  it('GR-07: probes the next addresses of a pool, listens to them, and probes again after a quarter of an hour', async () => {
    await clock.advance(500);
    expect(heard()).to.deep.equal(['.16', '.18', '.19', '.20', '.21', '.22', '.23', '.24']);
    expect(probed).to.have.length(8);
    await clock.advance(14 * 60_000);
    expect(probed).to.have.length(8);
    await clock.advance(2 * 60_000);
    expect(probed).to.have.length(16);
  });

  it('goes on to the next ones when Services take some', async () => {
    await clock.advance(500);
    taken.push(ip('192.0.2.16'), ip('192.0.2.18'));
    ahead.changed();
    await clock.advance(500);
    expect(heard()).to.deep.equal(['.19', '.20', '.21', '.22', '.23', '.24', '.25', '.26']);
    expect(probed.slice(8)).to.deep.equal(['192.0.2.25', '192.0.2.26']);
  });

  it('tells a stranger that announces one of them, and looks at one more in its place', async () => {
    await clock.advance(500);
    for (const { address, onClaim } of listeners)
      if (address.equals(ip('192.0.2.20'))) onClaim({ mac: STRANGER, by: 'holder' }, STRANGER);
    await clock.advance(30_000);
    expect(found.map(({ vip, mac: by }) => `${vip} ${by}`)).to.deep.equal([`192.0.2.20 ${STRANGER}`]);
    expect(heard()).to.deep.equal(['.16', '.18', '.19', '.21', '.22', '.23', '.24', '.25']);
  });

  it('does nothing while it does not know the other members, and where the pool is not announced', async () => {
    phase = 'listening';
    await clock.advance(500);
    expect(probed).to.deep.equal([]);
    phase = 'active';
    config = pools(POOL, POLICY);
    await clock.advance(500);
    expect(probed).to.deep.equal([]);
  });

  it('shares the work among eight of many members', async () => {
    members = Array.from({ length: 31 }, (_, index) => `node-${index + 2}`);
    taken = [];
    await clock.advance(500);
    // Each address is looked at by 8 of 32 nodes.
    expect(probed.length).to.be.lessThan(7);
  });

  it('makes one catalog of each configuration', () => {
    const first = ahead.pools;
    expect(ahead.pools).to.equal(first);
    config = pools(POOL, POLICY);
    expect(ahead.pools).not.to.equal(first);
  });

  it('stops listening when it is stopped', async () => {
    await clock.advance(500);
    ahead.stop();
    expect(heard()).to.deep.equal([]);
  });
});
