// SPDX-License-Identifier: Apache-2.0
import type { IpAddress } from '@berth/core';
import { type Node, type Service, Store } from '@berth/kube';
import type { Listening, ProbeRequest, ProbeResult } from '@berth/link';
import { FakeClock, RecordingLog, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import type { WantedVip } from '../cluster/wanted-vips.ts';
import { readConfig } from '../config.ts';
import type { Segment } from '../layer2/segments.ts';
import { MemberMacs } from '../membership/member-macs.ts';
import type { JoinedSegment } from '../membership/node-state.ts';
import { ip, link, mac, service } from '../testing.ts';
import { AddressGuard, type AddressGuardParts } from './address-guard.ts';

const VIP = ip('192.0.2.20');
const STRANGER = mac(0x99);
const LAN: Segment = { ifindex: 2, ifname: 'eth0', mac: mac(2), families: ['IPv4'] };

describe('AddressGuard', () => {
  let clock: FakeClock;
  let log: RecordingLog;
  let services: Store<Service>;
  let term: number;
  let isOwner: boolean;
  let probes: { readonly request: ProbeRequest; answer(result: ProbeResult): void }[];
  let told: string[];
  let closed: string[];
  let guard: AddressGuard;

  beforeEach(() => {
    clock = new FakeClock(new Date(0));
    log = new RecordingLog();
    services = new Store<Service>();
    term = 1;
    isOwner = true;
    probes = [];
    told = [];
    closed = [];
    guard = newGuard();
    guard.firstUse.want([wanted(VIP)], []);
  });

  // Sockets and membership as far as the guard looks at them.
  function newGuard(): AddressGuard {
    const read = readConfig([], { NODE_NAME: 'node-1' });
    if (!read.ok) throw new Error(read.problems.join());
    const loop = () => ({
      state: { phase: 'active', members: [], claims: new Map([[String(VIP), { vip: VIP, term }]]) },
    });
    const memberships = {
      get loops() {
        return [{ segment: LAN, loop: loop() }];
      },
      want: () => {},
      owned: () => (isOwner ? [{ vip: VIP, services: ['shop/web'], interfaces: ['eth0'] }] : []),
    };
    const parts = {
      ...{ config: read.config, clock, log },
      cluster: {
        watches: { services, nodes: new Store<Node>() },
        pools: { config: { pools: [], advertisements: [] } },
        events: { record: () => {} },
      },
      lan: {
        links: { list: () => [link(2, 'eth0')] },
        wire: { segments: [LAN] },
        responder: { vipCounters: () => [], announce: () => 'sent' },
      },
      memberships,
      macs: new MemberMacs({
        clock,
        joined: () => memberships.loops as unknown as JoinedSegment[],
        own: () => [mac(2)],
      }),
      served: { now: [] },
    } as unknown as AddressGuardParts;
    const opened = new AddressGuard(parts, {
      prober: {
        probe: (request) => {
          const { promise, resolve } = Promise.withResolvers<ProbeResult>();
          probes.push({ request, answer: resolve });
          return promise;
        },
        resolve: async () => ({ end: 'heard', macs: [] }),
        stop: () => closed.push('prober'),
      },
      receiver: { listen: () => ({ close: () => {} }) as unknown as Listening, close: () => closed.push('receiver') },
      readTables: async () => ({ gateways: [{ ifindex: 2, ip: ip('192.0.2.1') }], neighbors: [] }),
    });
    opened.clearances.subscribe(() => told.push('cleared'));
    opened.gatewayNews.subscribe(() => told.push('gateways'));
    opened.news.subscribe(() => told.push('news'));
    return opened;
  }

  function wanted(vip: IpAddress): WantedVip {
    return { service: 'shop/web', vip, policies: [], wasAnnounced: false };
  }

  const answered = () => guard.firstUse.owned().flatMap(({ interfaces }) => interfaces);

  it('GR-07: holds a VIP back until its probe has found nobody, and says so once for several', async () => {
    expect([answered(), guard.notAnnounced()]).to.deep.equal([[], [{ vip: VIP, why: 'probing' }]]);
    expect(probes.map(({ request }) => String(request.candidate))).to.deep.equal([String(VIP)]);
    probes[0]?.answer({ end: 'free' });
    await settle();
    expect(told).to.deep.equal([]);
    await clock.advance(5);
    expect(told).to.deep.equal(['cleared', 'news']);
    expect([answered(), guard.notAnnounced()]).to.deep.equal([['eth0'], []]);
  });

  it('GR-07: names a stranger that uses an address, and counts it', async () => {
    answered();
    probes[0]?.answer({ end: 'conflict', claimant: STRANGER });
    // No node of the cluster says that the MAC address is its own.
    await clock.advance(500);
    expect(guard.conflicts().map(({ vip, mac: by, kind }) => `${vip} ${by} ${kind}`)).to.deep.equal([
      `${VIP} ${STRANGER} before-use`,
    ]);
    expect(guard.counts).to.deep.equal({ defences: 0, before: 1, inUse: 0 });
    expect(log.lines).to.include('warn address is used by a stranger');
  });

  it('answers at once for a VIP that was in use until its last Service went', () => {
    services.upsert(service('web', String(VIP)));
    term = 2;
    expect(answered()).to.deep.equal(['eth0']);
    services.replaceAll([]);
    isOwner = false;
    guard.firstUse.want([], []);
    expect(answered()).to.deep.equal([]);
    expect(guard.firstUse.hasAnswered(VIP)).to.equal(false);
    // Another Service gets the VIP, and this node owns it as the first.
    isOwner = true;
    term = 1;
    guard.firstUse.want([wanted(VIP)], []);
    expect([answered(), probes]).to.deep.equal([['eth0'], []]);
  });

  it('knows the gateways before it is started', async () => {
    await guard.learn();
    expect(guard.gateways.map(({ address }) => String(address))).to.deep.equal(['192.0.2.1']);
    expect(told).to.deep.equal(['gateways']);
  });

  it('leaves neither a timer nor a socket behind', async () => {
    guard.start();
    guard.changed();
    await clock.advance(1_000);
    guard.stop();
    await settle();
    expect([clock.pendingTimers, closed]).to.deep.equal([0, ['prober', 'receiver']]);
  });
});
