// SPDX-License-Identifier: Apache-2.0
import type { IpAddress, MacAddress } from '@berth/core';
import type { ProbeRequest, ProbeResult } from '@berth/link';
import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import type { Segment } from '../layer2/segments.ts';
import { ip, mac } from '../testing.ts';
import { AddressClearance } from './address-clearance.ts';

const STRANGER = mac(0x99);
const LAN: Segment = { ifindex: 2, ifname: 'eth0', mac: mac(2), families: ['IPv4', 'IPv6'] };
const VIP = ip('192.0.2.20');
const MINUTE_MS = 60_000;

describe('AddressClearance', () => {
  let clock: FakeClock;
  let asked: { readonly request: ProbeRequest; answer(result: ProbeResult): void }[];
  let members: MacAddress[];
  let nodes: MacAddress[];
  /** What the question whose MAC address one is waits for. */
  let identified: Promise<void>;
  let told: string[];
  let changes: number;
  let clearance: AddressClearance;

  beforeEach(() => {
    clock = new FakeClock();
    asked = [];
    members = [];
    nodes = [];
    identified = Promise.resolve();
    told = [];
    changes = 0;
    clearance = new AddressClearance({
      clock,
      prober: {
        probe: (request) => {
          const { promise, resolve } = Promise.withResolvers<ProbeResult>();
          asked.push({ request, answer: resolve });
          return promise;
        },
      },
      isOurs: (one) => members.some((member) => member.equals(one)),
      isNode: async (one) => {
        await identified;
        return nodes.some((node) => node.equals(one));
      },
    });
    clearance.changes.subscribe(() => {
      changes += 1;
    });
    clearance.found.subscribe((one) => told.push(`${one.vip} ${one.interface} ${one.mac} ${one.kind}`));
    clearance.unprobed.subscribe((vip) => told.push(`given up ${vip}`));
  });

  async function answer(result: ProbeResult, index = asked.length - 1): Promise<void> {
    asked[index]?.answer(result);
    await settle();
  }

  const conflict: ProbeResult = { end: 'conflict', claimant: STRANGER };
  const verdict = (vip: IpAddress = VIP) => clearance.stateOf(vip, LAN.ifindex);

  it('BL-07: takes a node that is not heard for no stranger, and asks again until it answers no more', async () => {
    nodes.push(STRANGER);
    clearance.ask(VIP, LAN, 'at-need');
    for (const _again of [1, 2]) {
      await answer(conflict);
      expect([verdict(), told]).to.deep.equal(['unknown', []]);
    }
    expect(asked).to.have.length(3);
    await answer({ end: 'free' });
    expect(verdict()).to.equal('clear');
  });

  it('BL-07: tells of a node that goes on to answer, which has the address by other means', async () => {
    nodes.push(STRANGER);
    clearance.ask(VIP, LAN, 'at-need');
    await answer(conflict);
    await clock.advance(10_000);
    await answer(conflict);
    expect(verdict()).to.equal('conflict');
  });

  it('BL-07: finds a conflict where another answer shows a stranger after all', async () => {
    nodes.push(mac(3));
    clearance.ask(VIP, LAN, 'at-need');
    await answer({ end: 'conflict', claimant: mac(3) });
    await answer(conflict);
    expect(verdict()).to.equal('conflict');
  });

  it('GR-07: forgets no address while it finds out who answered, or nobody would ask for it again', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    identified = promise;
    clearance.ask(VIP, LAN, 'at-need');
    await answer(conflict);
    clearance.sweep([LAN], () => true);
    resolve();
    await settle();
    expect(verdict()).to.equal('conflict');
  });

  it('finds an address clear, for a quarter of an hour', async () => {
    clearance.ask(VIP, LAN, 'ahead');
    clearance.ask(VIP, LAN, 'ahead');
    expect(verdict()).to.equal('unknown');
    await answer({ end: 'free' });
    expect(asked.map(({ request }) => request.timing)).to.deep.equal([undefined]);
    expect([verdict(), changes]).to.deep.equal(['clear', 1]);
    clearance.ask(VIP, LAN, 'at-need');
    await clock.advance(15 * MINUTE_MS);
    expect([verdict(), asked.length]).to.deep.equal(['unknown', 1]);
  });

  it('counts an address that was asked for at need as clear for a minute only, since nobody listens to it', async () => {
    clearance.ask(VIP, LAN, 'at-need');
    await answer({ end: 'free' });
    await clock.advance(MINUTE_MS - 1);
    expect(verdict()).to.equal('clear');
    await clock.advance(1);
    expect(verdict()).to.equal('unknown');
    clearance.sweep([LAN], () => true);
    expect(clearance.clear).to.equal(0);
  });

  it('tells a stranger at once when a Service waits, and asks again after a minute', async () => {
    clearance.ask(VIP, LAN, 'at-need');
    expect(asked[0]?.request.timing?.listenMs).to.equal(100);
    await answer(conflict);
    expect([verdict(), ...told]).to.deep.equal(['conflict', `${VIP} eth0 ${STRANGER} before-use`]);
    clearance.ask(VIP, LAN, 'at-need');
    await clock.advance(MINUTE_MS);
    clearance.sweep([LAN], () => true);
    expect(asked).to.have.length(2);
    await answer({ end: 'free' });
    expect([verdict(), clearance.conflicts()]).to.deep.equal(['clear', []]);
  });

  it('does not give up a stranger that it knows because it cannot ask again', async () => {
    clearance.ask(VIP, LAN, 'at-need');
    await answer(conflict);
    await clock.advance(MINUTE_MS);
    clearance.sweep([LAN], () => true);
    for (let attempt = 0; attempt < 5; attempt++) {
      await answer({ end: 'failed', error: new Error('no room') });
      await clock.advance(1000);
    }
    expect(verdict()).to.equal('conflict');
    await answer({ end: 'free' });
    expect(verdict()).to.equal('clear');
  });

  it('believes a claim that nobody waits for only when it is still no member’s after two seconds', async () => {
    clearance.ask(VIP, LAN, 'ahead');
    await answer(conflict);
    members = [STRANGER];
    await clock.advance(2000);
    expect(told).to.deep.equal([]);
    members = [];
    clearance.claimed(VIP, LAN, STRANGER);
    await clock.advance(1999);
    expect([verdict(), told.length]).to.deep.equal(['unknown', 0]);
    await clock.advance(1);
    expect([verdict(), told.length]).to.deep.equal(['conflict', 1]);
  });

  it('takes one claim of a flood, whoever the others come from', async () => {
    clearance.ask(VIP, LAN, 'ahead');
    await answer({ end: 'free' });
    for (let last = 0; last < 200; last++) clearance.claimed(VIP, LAN, mac(last));
    await clock.advance(2000);
    for (let last = 0; last < 200; last++) clearance.claimed(VIP, LAN, mac(last));
    expect([told.length, changes]).to.deep.equal([1, 2]);
  });

  it('asks quickly for an address that is being asked for slowly when a Service begins to wait', async () => {
    clearance.ask(VIP, LAN, 'ahead');
    clearance.ask(VIP, LAN, 'at-need');
    expect(asked.map(({ request }) => request.timing?.count)).to.deep.equal([undefined, 3]);
    await answer({ end: 'free' }, 1);
    expect(verdict()).to.equal('clear');
    await answer(conflict, 0);
    expect([verdict(), ...told]).to.deep.equal(['clear']);
  });

  it('GR-07: after 10 conflicts tries once a minute, what a Service waits for first', async () => {
    const vips = Array.from({ length: 10 }, (_, index) => ip(`192.0.2.${30 + index}`));
    for (const [index, vip] of vips.entries()) {
      clearance.ask(vip, LAN, 'at-need');
      await answer(conflict, index);
    }
    expect(asked).to.have.length(10);
    clearance.ask(ip('192.0.2.51'), LAN, 'ahead');
    clearance.ask(VIP, LAN, 'at-need');
    await clock.advance(MINUTE_MS - 1);
    expect(asked).to.have.length(10);
    await clock.advance(1);
    expect(asked.slice(10).map(({ request }) => String(request.candidate))).to.deep.equal([String(VIP)]);
    await clock.advance(MINUTE_MS);
    expect(asked.slice(11).map(({ request }) => String(request.candidate))).to.deep.equal(['192.0.2.51']);
  });

  it('asks no more than 48 at a time', async () => {
    const vips = Array.from({ length: 60 }, (_, index) => ip(`192.0.2.${index + 1}`));
    for (const vip of vips) clearance.ask(vip, LAN, 'at-need');
    expect(asked).to.have.length(48);
    await answer({ end: 'free' }, 0);
    expect(asked).to.have.length(49);
  });

  it('lets a Service be reached when it cannot even ask three times', async () => {
    clearance.ask(VIP, LAN, 'at-need');
    for (let time = 0; time < 3; time++) {
      await answer({ end: 'failed', error: new Error('ENETDOWN') });
      await clock.advance(1000);
    }
    expect([verdict(), ...told]).to.deep.equal(['clear', `given up ${VIP}`]);
  });

  it('trusts an address that others used until a moment ago, unless a stranger is known', async () => {
    clearance.trust(VIP);
    expect(verdict()).to.equal('clear');
    await clock.advance(MINUTE_MS);
    expect(verdict()).to.equal('unknown');
    clearance.ask(VIP, LAN, 'at-need');
    await answer(conflict);
    clearance.trust(VIP);
    expect(verdict()).to.equal('conflict');
  });

  it('takes back what it said of a node that turned out to be a member', async () => {
    clearance.ask(VIP, LAN, 'at-need');
    await answer(conflict);
    members = [STRANGER];
    clearance.sweep([LAN], () => true);
    await answer({ end: 'free' });
    expect(clearance.conflicts()).to.deep.equal([]);
  });

  it('forgets what no pool has any more, and what was on a segment that is gone', async () => {
    for (const isOfInterest of [false, true]) {
      clearance.ask(VIP, LAN, 'at-need');
      await answer(conflict);
      clearance.sweep(isOfInterest ? [] : [LAN], () => isOfInterest);
      expect([verdict(), clearance.conflicts().length]).to.deep.equal(['unknown', 0]);
    }
  });
});
