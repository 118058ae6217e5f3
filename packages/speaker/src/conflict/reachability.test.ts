// SPDX-License-Identifier: Apache-2.0
import type { MacAddress } from '@berth/core';
import { type Service, Store } from '@berth/kube';
import type { ResolveRequest } from '@berth/link';
import { FakeClock, RecordingLog } from '@berth/runtime/testing';
import { expect } from 'chai';
import type { Segment } from '../layer2/segments.ts';
import { ip, mac, service } from '../testing.ts';
import type { WiredSegment } from './first-use.ts';
import { Reachability, type ReachabilityParts } from './reachability.ts';

const [OWN, VIP, OTHER] = [ip('192.0.2.20'), ip('192.0.2.21'), ip('192.0.2.22')];
const [OWNER, STRANGER] = [mac(2), mac(0x99)];
const LAN: Segment = { ifindex: 2, ifname: 'eth0', mac: mac(1), families: ['IPv4'] };

describe('Reachability', () => {
  let clock: FakeClock;
  let log: RecordingLog;
  let answers: Map<string, readonly MacAddress[]>;
  let events: string[];
  let news: number;
  let reachability: Reachability;

  beforeEach(() => {
    clock = new FakeClock(new Date(0));
    log = new RecordingLog();
    answers = new Map([VIP, OTHER].map((vip) => [String(vip), [OWNER]]));
    events = [];
    news = 0;
    const services = new Store<Service>();
    for (const [name, vip] of [
      ['web', VIP],
      ['shared', VIP],
      ['db', OTHER],
    ] as const)
      services.upsert(service(name, String(vip)));
    const parts = {
      ...{ nodeName: 'node-1', clock, log },
      cluster: {
        watches: { services },
        events: {
          record: (object: Service, note: { reason: string; message: string }) =>
            events.push(`${object.metadata.name} ${note.reason}: ${note.message}`),
        },
      },
      memberships: { loops: [wired()] },
      prober: {
        resolve: async ({ candidate }: ResolveRequest) => ({
          end: 'heard',
          macs: answers.get(String(candidate)) ?? [],
        }),
      },
    } as unknown as ReachabilityParts;
    reachability = new Reachability(parts);
    reachability.news.subscribe(() => {
      news += 1;
    });
    reachability.start();
  });

  afterEach(() => reachability.stop());

  // Identity, claims, wishes and members are all that is looked at.
  function wired(): WiredSegment {
    const claims = (...vips: (typeof VIP)[]) => new Map(vips.map((vip) => [String(vip), { vip, term: 1 }]));
    const state = {
      phase: 'active',
      company: { steadiness: 'steady' },
      self: { node: 'node-1', bootId: 'node-1', mac: mac(1) },
      desired: new Map([OWN, VIP, OTHER].map((vip) => [String(vip), { vip }])),
      claims: claims(OWN),
      members: [{ node: 'node-2', bootId: 'node-2', mac: OWNER, claims: claims(VIP, OTHER) }],
    };
    return { segment: LAN, loop: { state } } as unknown as WiredSegment;
  }

  it('tells each Service of a VIP that does not answer as it should, and when it does again', async () => {
    answers.set(String(VIP), [STRANGER]);
    await clock.advance(90_000);
    expect(events.toSorted()).to.deep.equal(
      ['shared', 'web'].map(
        (name) =>
          `${name} AddressUnreachable: node "node-1" asked for ${VIP} on interface "eth0": ${STRANGER} answered, not node "node-2" alone`,
      ),
    );
    expect(log.lines).to.deep.equal(['warn VIP does not answer as it should']);
    answers.set(String(VIP), [OWNER]);
    await clock.advance(60_000);
    expect(events.slice(2).map((line) => line.split(':')[0])).to.have.members([
      'shared AddressReachable',
      'web AddressReachable',
    ]);
    expect(news).to.equal(2);
  });

  it('says that nobody answered where nobody did', async () => {
    answers.set(String(OTHER), []);
    await clock.advance(90_000);
    expect(events).to.deep.equal([
      `db AddressUnreachable: node "node-1" asked for ${OTHER} on interface "eth0": no one answered, not node "node-2" alone`,
    ]);
  });

  it('answers an order to check one VIP with all that was heard of it', async () => {
    await reachability.carryOut({ id: 'order-1', vip: VIP });
    expect(reachability.check).to.deep.equal({
      ...{ id: 'order-1', asked: 1, right: 1 },
      heard: [{ vip: VIP, interface: 'eth0', owner: { node: 'node-2', mac: OWNER }, macs: [OWNER] }],
    });
    expect(news).to.equal(1);
  });

  it('answers an order to check all VIPs with what is not right', async () => {
    answers.set(String(OTHER), [OWNER, STRANGER]);
    await reachability.carryOut({ id: 'order-2' });
    const { asked, right, heard } = reachability.check ?? {};
    expect([asked, right, heard?.map(({ vip }) => String(vip))]).to.deep.equal([2, 1, [String(OTHER)]]);
  });
});
