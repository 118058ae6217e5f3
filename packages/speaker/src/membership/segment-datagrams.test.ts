// SPDX-License-Identifier: Apache-2.0
import type { IpAddress } from '@berth/core';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ip } from '../testing.ts';
import { SegmentDatagrams, type UdpSocket } from './segment-datagrams.ts';

/** A socket whose filters have room for so many addresses together, the one before and the new one. */
function socketFor(room: number): UdpSocket & { taken: readonly IpAddress[] } {
  return {
    fd: 3,
    taken: [],
    takeFrom(sources) {
      if (sources.length + this.taken.length > room) throw new Error('setsockopt: ENOMEM');
      this.taken = sources;
    },
    send: () => true,
    receive: () => {},
    pause: () => {},
    resume: () => {},
    setFilter: () => {},
    takeStatistics: () => ({ dropped: 0 }),
    close: () => {},
  };
}

function world(room: number) {
  const socket = socketFor(room);
  const failures: unknown[] = [];
  const datagrams = new SegmentDatagrams({
    ...{ ifname: 'lan0', port: 7482, clock: new FakeClock() },
    onFailed: (error) => failures.push(error),
    onOpened: () => {},
    openSocket: ({ family }) => (family === 'IPv4' ? socket : socketFor(room)),
  });
  return { socket, failures, datagrams };
}

const SOURCES = Array.from({ length: 200 }, (_, index) => ip(`203.0.113.${index + 1}`));

describe('SegmentDatagrams', () => {
  it('WT-24: takes datagrams of all nodes where the filter of before leaves no room for the next one', () => {
    const { socket, failures, datagrams } = world(300);
    datagrams.takeFrom(SOURCES.slice(0, 150));
    datagrams.takeFrom(SOURCES);
    expect([socket.taken.length, failures.length]).to.deep.equal([200, 1]);
  });

  it('WT-24: takes those of fewer nodes where there is no room for all, and never throws', () => {
    const { socket, failures, datagrams } = world(60);
    datagrams.takeFrom(SOURCES);
    expect([socket.taken.length, failures.length]).to.deep.equal([50, 1]);
  });

  it('WT-24: tries again where the port was taken, reads by the socket that it gets, and tells the first failure only', async () => {
    const clock = new FakeClock();
    const failures: unknown[] = [];
    let opened = 0;
    let isTaken = true;
    const sockets: (UdpSocket & { taken: readonly IpAddress[] })[] = [];
    let readers = 0;
    const datagrams = new SegmentDatagrams({
      ...{ ifname: 'lan0', port: 7482, clock },
      onFailed: (error) => failures.push(error),
      onOpened: () => {
        opened += 1;
      },
      openSocket: ({ family }) => {
        if (family === 'IPv4' && isTaken) throw new Error('bind: EADDRINUSE');
        const socket = socketFor(300);
        socket.receive = () => {
          readers += 1;
        };
        sockets.push(socket);
        return socket;
      },
    });
    datagrams.receive(
      () => {},
      () => {},
    );
    datagrams.takeFrom(SOURCES.slice(0, 5));
    await clock.advance(25_000);
    expect([failures.length, opened, sockets.length, readers, datagrams.descriptors.fd4]).to.deep.equal([
      1,
      0,
      1,
      1,
      undefined,
    ]);
    isTaken = false;
    await clock.advance(10_000);
    expect([opened, sockets.length, readers, datagrams.descriptors.fd4]).to.deep.equal([1, 2, 2, 3]);
    expect(sockets[1]?.taken).to.have.length(5);
    await clock.advance(60_000);
    expect(sockets).to.have.length(2);
    datagrams.close();
  });
});
