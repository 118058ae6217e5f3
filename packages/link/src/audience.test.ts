// SPDX-License-Identifier: Apache-2.0

import {
  ARP_OPERATION,
  arpFrame,
  IpAddress as Ip,
  type IpAddress,
  MacAddress,
  questionFrame,
  unsolicitedAdvertisement,
} from '@berth/core';
import { mac } from '@berth/core/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ListeningAudience } from './audience.ts';
import type { NeighborTables } from './neighbors.ts';
import type { FrameSocket } from './throttled-socket.ts';

const LAN0 = 4;
const LAN1 = 5;

function ip(number: number): IpAddress {
  return Ip.of('IPv4', 0xcb007100n + BigInt(number));
}

class FakeSocket implements FrameSocket {
  isOpen = true;
  filters = 0;
  isRefused = false;
  hear: Parameters<FrameSocket['receive']>[0] = () => {};
  receive(onFrame: typeof this.hear): void {
    this.hear = onFrame;
  }
  question(from: number, target: IpAddress): void {
    const bytes = arpFrame(
      {
        operation: ARP_OPERATION.REQUEST,
        senderHardwareAddr: mac(from),
        senderProtocolAddr: ip(from),
        targetHardwareAddr: MacAddress.ZERO,
        targetProtocolAddr: target,
      },
      MacAddress.BROADCAST,
    );
    this.hear({ bytes, ifindex: LAN0, packetType: 'broadcast' });
  }
  pause(): void {}
  resume(): void {}
  setFilter(): void {
    if (this.isRefused) throw new Error('setsockopt: ENOMEM');
    this.filters += 1;
  }
  send(): boolean {
    return true;
  }
  takeStatistics() {
    return { received: 0, dropped: 0 };
  }
  close(): void {
    this.isOpen = false;
  }
}

/** Who asks by a neighbor solicitation, as it comes with an Ethernet header. */
function solicitation(source: IpAddress, target: IpAddress): Uint8Array {
  return questionFrame(target, { mac: mac(9), ip: source }, undefined);
}

function ip6(text: string): IpAddress {
  const parsed = Ip.parse(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

function setUp(tables: () => Promise<NeighborTables> = async () => ({ neighbors: [], gateways: [] })) {
  const sockets = new Map<number, FakeSocket>();
  const sockets6 = new Map<number, FakeSocket>();
  const failures: unknown[] = [];
  const clock = new FakeClock();
  let reads = 0;
  const audience = new ListeningAudience({
    clock,
    openSocket: (ifindex, family) => {
      const socket = new FakeSocket();
      (family === 'IPv4' ? sockets : sockets6).set(ifindex, socket);
      return socket;
    },
    readTables: () => {
      reads += 1;
      return tables();
    },
  });
  audience.failures.subscribe((error) => failures.push(error));
  const told = async (vip: IpAddress, ifindex = LAN0) =>
    ((await audience.of([vip], ifindex)).get(String(vip)) ?? []).map((one) => `${one.kind} ${one.ip}`);
  return { audience, sockets, sockets6, failures, clock, told, reads: () => reads };
}

describe('ListeningAudience', () => {
  it('goes on with the filter of before where another one is refused', async () => {
    const { audience, sockets, failures, told } = setUp();
    audience.listen([ip(20)], [LAN0]);
    const socket = sockets.get(LAN0);
    if (socket) socket.isRefused = true;
    audience.listen([ip(20), ip(21)], [LAN0]);
    socket?.question(9, ip(21));
    expect(failures).to.have.length(1);
    expect(await told(ip(21))).to.deep.equal([`asker ${ip(9)}`]);
  });

  it('names who asked for a VIP on this interface', async () => {
    const { audience, sockets, told } = setUp();
    audience.listen([ip(20)], [LAN0, LAN1]);
    sockets.get(LAN0)?.question(9, ip(20));
    sockets.get(LAN0)?.question(8, ip(21));
    expect(await told(ip(20))).to.deep.equal(['asker 203.0.113.9']);
    expect(await told(ip(21))).to.deep.equal([]);
    expect(await told(ip(20), LAN1)).to.deep.equal([]);
  });

  it("names the kernel's gateways and neighbours of this interface", async () => {
    const { audience, told } = setUp(async () => ({
      neighbors: [
        { ifindex: LAN0, ip: ip(7), mac: mac(7) },
        { ifindex: LAN0, ip: ip(1), mac: mac(1) },
        { ifindex: LAN1, ip: ip(8), mac: mac(8) },
      ],
      gateways: [{ ifindex: LAN0, ip: ip(1) }],
    }));
    audience.listen([ip(20)], [LAN0]);
    expect(await told(ip(20))).to.deep.equal(['gateway 203.0.113.1', 'neighbor 203.0.113.7']);
  });

  it('reads the kernel once for VIPs that are taken over one after the other', async () => {
    const { clock, told, reads } = setUp();
    await told(ip(20));
    await told(ip(21));
    expect(reads()).to.equal(1);
    clock.runUntil(1500);
    await told(ip(22));
    expect(reads()).to.equal(2);
  });

  it('still names who asked when the kernel cannot be read', async () => {
    const { audience, sockets, told, failures } = setUp(() => Promise.reject(new Error('EMFILE')));
    audience.listen([ip(20)], [LAN0]);
    sockets.get(LAN0)?.question(9, ip(20));
    expect(await told(ip(20))).to.deep.equal(['asker 203.0.113.9']);
    expect(failures).to.have.length(1);
  });

  it('WT-08: hears questions for IPv6 VIPs, by a socket that is open while there are such VIPs', () => {
    const { audience, sockets, sockets6, clock } = setUp();
    const vip = ip6('2001:db8::20');
    const told: string[] = [];
    audience.questions.subscribe((asked, asker, ifindex) => told.push(`${asked} ${asker.ip} ${asker.mac} ${ifindex}`));
    audience.listen([vip], [LAN0]);
    expect([sockets.size, sockets6.size]).to.deep.equal([0, 1]);
    const client = ip6('2001:db8::9');
    const hear = (bytes: Uint8Array) => sockets6.get(LAN0)?.hear({ bytes, ifindex: LAN0, packetType: 'multicast' });
    hear(solicitation(client, vip));
    hear(solicitation(client, ip6('2001:db8::21')));
    expect(told).to.deep.equal([`2001:db8::20 2001:db8::9 ${mac(9)} ${LAN0}`]);
    const lately = audience.lately(LAN0, { withinMs: clock.now() + 1, atMost: 9 });
    expect(lately.map((one) => String(one.ip))).to.deep.equal(['2001:db8::9']);
    audience.listen([ip(20)], [LAN0]);
    expect(sockets6.get(LAN0)?.isOpen).to.equal(false);
  });

  it('tells no probe and no answer as a question', () => {
    const { audience, sockets6 } = setUp();
    const vip = ip6('2001:db8::20');
    const told: string[] = [];
    audience.questions.subscribe((asked) => told.push(String(asked)));
    audience.listen([vip], [LAN0]);
    const hear = (bytes: Uint8Array) => sockets6.get(LAN0)?.hear({ bytes, ifindex: LAN0, packetType: 'multicast' });
    hear(solicitation(ip6('::'), vip));
    hear(unsolicitedAdvertisement(vip, mac(9)));
    hear(new Uint8Array(20));
    expect(told).to.deep.equal([]);
  });

  it('changes its filter only when other VIPs are wanted, and closes on interfaces that are left', () => {
    const { audience, sockets } = setUp();
    audience.listen([ip(20)], [LAN0]);
    audience.listen([ip(20)], [LAN0]);
    expect(sockets.get(LAN0)?.filters).to.equal(0);
    audience.listen([ip(20), ip(21)], [LAN0]);
    expect(sockets.get(LAN0)?.filters).to.equal(1);
    audience.listen([ip(20)], [LAN1]);
    expect(sockets.get(LAN0)?.isOpen).to.equal(false);
    expect(sockets.get(LAN1)?.isOpen).to.equal(true);
  });
});
