// SPDX-License-Identifier: Apache-2.0
import { IpAddress } from '@berth/core';
import type { EventNote, KubeObject } from '@berth/kube';
import { openLog } from '@berth/runtime';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ServiceTeller } from './tell-services.ts';
import type { ServedVip } from './wire.ts';

const WEB: KubeObject = { metadata: { namespace: 'shop', name: 'web' } };

function served(...interfaces: readonly string[]): ServedVip[] {
  return [{ vip: IpAddress.of('IPv4', 0xc0000207n), services: ['shop/web'], interfaces }];
}

describe('ServiceTeller', () => {
  const rows: { name: string; before: ServedVip[]; now: ServedVip[]; isOutside?: boolean; told: string[] }[] = [
    {
      name: 'that it begins to announce',
      ...{ before: [], now: served('lan0') },
      told: ['Normal nodeAssigned: announcing 192.0.2.7 from node "edge-1" on interface "lan0"'],
    },
    {
      name: 'that the address is in none of its subnets',
      ...{ before: [], now: served('lan0', 'lan1'), isOutside: true },
      told: [
        'Normal nodeAssigned: announcing 192.0.2.7 from node "edge-1" on interface "lan0", "lan1"',
        'Warning OutsideSubnet: 192.0.2.7 is in no subnet of node "edge-1" on "lan0", "lan1": ' +
          'hosts of the LAN reach it only where they have a route for it',
      ],
    },
    {
      name: 'by a reason of its own that the owner has no interface for it any more',
      ...{ before: served('lan0'), now: served() },
      told: [
        'Warning NoUsableInterface: 192.0.2.7 is not announced: ' +
          'node "edge-1" has no usable interface that the policy allows',
      ],
    },
    { name: 'nothing twice', before: served(), now: served(), told: [] },
    { name: 'nothing about another interface', before: served('lan0'), now: served('lan1'), told: [] },
    { name: 'nothing on the Service when it ends', before: served('lan0'), now: [], told: [] },
  ];
  for (const { name, before, now, isOutside = false, told } of rows) {
    it(`tells ${name}`, async () => {
      const { teller, clock, notes } = setUp({ isInSubnet: () => !isOutside });
      teller.follow(before);
      await clock.advance(1);
      notes.length = 0;
      teller.follow(now);
      expect(notes, 'while it is followed').to.deep.equal([]);
      await clock.advance(1);
      expect(notes.map(({ type, reason, message }) => `${type} ${reason}: ${message}`)).to.deep.equal(told);
    });
  }

  it('FO-11: tells much a little at a time, and all of it', async () => {
    const { teller, clock, notes, turns } = setUp({ noteMs: 1 });
    teller.follow(manyServed(40));
    await clock.advance(100);
    expect(turns, 'Events at the beginning of each turn').to.deep.equal([0, 5, 10, 15, 20, 25, 30, 35, 40]);
    expect(notes.map(({ message }) => message.split(' ')[1])).to.deep.equal(
      manyServed(40).map(({ vip }) => String(vip)),
    );
  });

  it('does not tell what came and went meanwhile', async () => {
    const { teller, clock, notes } = setUp();
    teller.follow(served('lan0'));
    teller.follow([]);
    await clock.advance(10);
    expect(notes).to.deep.equal([]);
  });

  it('FO-11: tells what is left when it is stopped', () => {
    const { teller, notes, lines } = setUp({ noteMs: 1 });
    teller.follow(manyServed(40));
    teller.stop();
    teller.follow([]);
    teller.stop();
    expect(notes).to.have.length(40);
    expect(lines.filter((line) => line.includes('withdrawn'))).to.have.length(40);
  });
});

/** `noteMs`: how long it takes to record an Event, in milliseconds. */
function setUp({ isInSubnet = () => true, noteMs = 0 }: { isInSubnet?: () => boolean; noteMs?: number } = {}) {
  const notes: EventNote[] = [];
  const lines: string[] = [];
  const turns: number[] = [];
  const clock = new FakeClock();
  let spentMs = 0;
  const teller = new ServiceTeller({
    clock: {
      now: () => clock.now() + spentMs,
      date: () => clock.date(),
      after: (milliseconds, callback) => {
        turns.push(notes.length);
        return clock.after(milliseconds, callback);
      },
    },
    log: openLog('info', { write: (line) => lines.push(line) }),
    events: {
      record: (_, note) => {
        notes.push(note);
        spentMs += noteMs;
      },
    },
    services: { get: () => WEB },
    nodeName: 'edge-1',
    isInSubnet,
  });
  return { teller, clock, notes, lines, turns };
}

function manyServed(count: number): ServedVip[] {
  return Array.from({ length: count }, (_, index) => ({
    vip: IpAddress.of('IPv4', 0xc0000200n + BigInt(index)),
    services: [`shop/web-${index}`],
    interfaces: ['lan0'],
  }));
}
