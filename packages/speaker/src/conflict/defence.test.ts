// SPDX-License-Identifier: Apache-2.0
import { ARP_OPERATION, decodeArp } from '@berth/core';
import type { VipCounters } from '@berth/link';
import { FakeClock, RecordingLog } from '@berth/runtime/testing';
import { expect } from 'chai';
import type { ServedVip } from '../layer2/wire.ts';
import { ip, mac } from '../testing.ts';
import { Defence } from './defence.ts';

const VIP = ip('192.0.2.20');
const VIP6 = ip('2001:db8::20');
const STRANGER = mac(0x99);
const ETHERNET_HEADER_BYTES = 14;
const { REQUEST, REPLY } = ARP_OPERATION;

describe('Defence', () => {
  let clock: FakeClock;
  let log: RecordingLog;
  let rows: VipCounters[];
  let sent: { readonly ifindex: number; readonly frame: Uint8Array }[];
  let failure: Error | undefined;
  let events: string[];
  let news: number;
  let defence: Defence;

  beforeEach(() => {
    clock = new FakeClock(new Date(0));
    log = new RecordingLog();
    rows = [];
    sent = [];
    failure = undefined;
    events = [];
    news = 0;
    const served = (vip: ServedVip['vip']): ServedVip => ({
      vip,
      services: ['shop/web'],
      interfaces: ['eth0', 'gone0'],
    });
    defence = new Defence({
      ...{ clock, log, nodeName: 'node-1' },
      events: { record: (object, note) => events.push(`${object.metadata.name} ${note.type} ${note.reason}`) },
      services: { get: (key) => ({ metadata: { namespace: 'shop', name: key } }) },
      responder: {
        vipCounters: () => rows,
        announce: (ifindex, frame) => {
          if (failure) throw failure;
          sent.push({ ifindex, frame });
          return 'sent';
        },
      },
      segments: () => [{ ifindex: 2, ifname: 'eth0', mac: mac(2), families: ['IPv4', 'IPv6'] }],
      isOurs: () => false,
      served: () => [served(VIP), served(VIP6)],
    });
    defence.news.subscribe(() => {
      news += 1;
    });
    defence.start();
  });

  afterEach(() => defence.stop());

  async function claim(vip: ServedVip['vip']): Promise<void> {
    rows = [{ vip, requests: 0, replies: 0, claims: 1, claimant: STRANGER }];
    await clock.advance(1_000);
  }

  it('GR-06: announces an IPv4 VIP in both forms, on the interface that is answered', async () => {
    await claim(VIP);
    const arps = sent.map(({ ifindex, frame }) => {
      const arp = decodeArp(frame.subarray(ETHERNET_HEADER_BYTES));
      return arp.ok
        ? `${ifindex} ${arp.packet.operation} ${arp.packet.senderProtocolAddr} ${arp.packet.senderHardwareAddr}`
        : arp.reason;
    });
    expect(arps).to.deep.equal([`2 ${REQUEST} ${VIP} ${mac(2)}`, `2 ${REPLY} ${VIP} ${mac(2)}`]);
    expect(defence.counts).to.deep.equal({ defences: 1, alarms: 1 });
  });

  it('GR-06: announces an IPv6 VIP by one unsolicited advertisement', async () => {
    await claim(VIP6);
    expect(sent).to.have.length(1);
  });

  it('tells of the stranger on each Service of the VIP, and again when it is gone', async () => {
    await claim(VIP);
    expect(defence.conflicts().map(({ vip, mac: by }) => `${vip} ${by}`)).to.deep.equal([`${VIP} ${STRANGER}`]);
    await clock.advance(70_000);
    expect(events).to.deep.equal(['shop/web Warning AddressConflict', 'shop/web Normal AddressConflictEnded']);
    expect([defence.conflicts(), news]).to.deep.equal([[], 2]);
  });

  it('goes on after a frame that could not be sent', async () => {
    failure = new Error('sendto: ENETDOWN');
    await claim(VIP);
    expect(log.lines).to.include('warn VIP not defended');
    failure = undefined;
    await clock.advance(10_000);
    rows = [{ vip: VIP, requests: 0, replies: 0, claims: 2, claimant: STRANGER }];
    await clock.advance(1_000);
    expect(sent).to.have.length(2);
  });
});
