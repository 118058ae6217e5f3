// SPDX-License-Identifier: Apache-2.0

import { gratuitousArp, IpAddress, probeFrame, unsolicitedAdvertisement } from '@berth/core';
import { mac } from '@berth/core/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { AddressProber, type ProbeResult, type ResolveResult } from './address-prober.ts';
import { ClaimReceiver } from './claim-receiver.ts';

const OWN = mac('00:00:5e:00:53:01');
const MEMBER = mac('00:00:5e:00:53:02');
const STRANGER = mac('00:00:5e:00:53:99');
const V4 = IpAddress.of('IPv4', 0xcb007114n);
const V6 = IpAddress.of('IPv6', 0x20010db8_00050000_00000000_00000007n);

/** The wire of one interface. */
class FakeSocket {
  readonly sent: Uint8Array[] = [];
  hasRoom = true;
  isRefused = false;
  isOpen = true;
  #onFrame: (frame: { bytes: Uint8Array }) => void = () => {};
  #onError: (error: unknown) => void = () => {};

  receive(onFrame: (frame: { bytes: Uint8Array }) => void, onError: (error: unknown) => void): void {
    this.#onFrame = onFrame;
    this.#onError = onError;
  }

  setFilter(): void {
    if (this.isRefused) throw new Error('setsockopt: ENOMEM');
  }

  send(frame: Uint8Array): boolean {
    this.sent.push(frame);
    return this.hasRoom;
  }

  /** Has arrived, and is not read before somebody asks for it. */
  readonly unread: Uint8Array[] = [];

  drain(): void {
    for (const bytes of this.unread.splice(0)) this.hear(bytes);
  }

  close(): void {
    this.isOpen = false;
  }

  hear(bytes: Uint8Array): void {
    this.#onFrame({ bytes });
  }

  fail(error: Error): void {
    this.#onError(error);
  }
}

describe('AddressProber', () => {
  let clock: FakeClock;
  let sockets: FakeSocket[];
  let joined: string;
  let prober: AddressProber;

  beforeEach(() => {
    clock = new FakeClock();
    sockets = [];
    joined = '';
    const receiver = new ClaimReceiver({
      clock,
      openSocket: (ifindex) => {
        if (ifindex === 9) throw new Error('bind: ENODEV');
        const socket = new FakeSocket();
        socket.isRefused = ifindex === 8;
        sockets.push(socket);
        return socket;
      },
      groups: {
        attach: () => {},
        replace: (rows) => {
          joined = rows.map(({ vip }) => String(vip)).join(' ');
        },
        close: () => {},
      },
    });
    prober = new AddressProber({ clock, random: () => 0.5, isMember: (one) => one.equals(MEMBER), receiver });
  });

  function probe(candidate: IpAddress, ifindex = 4): { result?: ProbeResult } {
    const watched: { result?: ProbeResult } = {};
    void prober.probe({ candidate, ifindex, mac: OWN }).then((result) => {
      watched.result = result;
    });
    return watched;
  }

  /** Lets promises settle. */
  async function settle(): Promise<void> {
    await Promise.resolve();
  }

  it('sends three probes and finds the address free', async () => {
    const watched = probe(V4);
    clock.runUntil(10_000);
    await settle();
    expect(watched.result).to.deep.equal({ end: 'free' });
    expect(sockets[0]?.sent).to.deep.equal([probeFrame(V4, OWN), probeFrame(V4, OWN), probeFrame(V4, OWN)]);
    expect(sockets[0]?.isOpen).to.equal(false);
  });

  for (const { name, candidate, frame } of [
    { name: 'an ARP answer', candidate: V4, frame: gratuitousArp('reply', V4, STRANGER) },
    { name: 'a foreign ARP probe', candidate: V4, frame: probeFrame(V4, STRANGER) },
    { name: 'an advertisement', candidate: V6, frame: unsolicitedAdvertisement(V6, STRANGER) },
    { name: 'foreign duplicate detection', candidate: V6, frame: probeFrame(V6, STRANGER) },
  ]) {
    it(`finds a conflict by ${name}`, async () => {
      const watched = probe(candidate);
      clock.runUntil(700);
      sockets[0]?.hear(frame);
      await settle();
      expect(watched.result).to.deep.equal({ end: 'conflict', claimant: STRANGER });
      expect(sockets[0]?.isOpen).to.equal(false);
    });
  }

  it('GR-07: sees an answer that arrived in time, however late it gets to read', async () => {
    const watched = probe(V4);
    clock.runUntil(700);
    sockets[0]?.unread.push(gratuitousArp('reply', V4, STRANGER));
    clock.runUntil(10_000);
    await settle();
    expect(watched.result).to.deep.equal({ end: 'conflict', claimant: STRANGER });
  });

  it('is not disturbed by itself, by members, by other addresses and by noise', async () => {
    const watched = probe(V4);
    clock.runUntil(700);
    for (const frame of [
      probeFrame(V4, OWN),
      gratuitousArp('request', V4, MEMBER),
      gratuitousArp('reply', IpAddress.of('IPv4', 0xcb007115n), STRANGER),
      new Uint8Array(5),
      new Uint8Array(60),
    ])
      sockets[0]?.hear(frame);
    clock.runUntil(10_000);
    await settle();
    expect(watched.result).to.deep.equal({ end: 'free' });
  });

  it('probes many at once on one socket, and only the right one has the conflict', async () => {
    const other = IpAddress.of('IPv4', 0xcb007115n);
    const watched = [probe(V4), probe(other)];
    clock.runUntil(700);
    sockets[0]?.hear(gratuitousArp('reply', other, STRANGER));
    clock.runUntil(10_000);
    await settle();
    expect(watched.map(({ result }) => result?.end)).to.deep.equal(['free', 'conflict']);
    expect(sockets).to.have.length(1);
  });

  it('is in the group of an IPv6 candidate as long as it probes', () => {
    probe(V6);
    expect(joined).to.equal(String(V6));
    clock.runUntil(10_000);
    expect(joined).to.equal('');
  });

  it('says that it failed rather than that an address is free', async () => {
    const watched = [probe(V4, 9), probe(V4, 4), probe(V4, 5)];
    const [full, broken] = sockets;
    if (full) full.hasRoom = false;
    broken?.fail(new Error('ENETDOWN'));
    clock.runUntil(10_000);
    await settle();
    expect(watched.map(({ result }) => result?.end)).to.deep.equal(['failed', 'failed', 'failed']);
  });

  it('leaves no socket open that could not be set up', async () => {
    const watched = [probe(V4, 8), probe(V4, 8)];
    await settle();
    expect(watched.map(({ result }) => result?.end)).to.deep.equal(['failed', 'failed']);
    expect(sockets.map(({ isOpen }) => isOpen)).to.deep.equal([false, false]);
  });

  it('tells everybody who answers, members too, but nobody who asks as well', async () => {
    const watched: { result?: ResolveResult } = {};
    void prober.resolve({ candidate: V4, ifindex: 4, mac: OWN }).then((result) => {
      watched.result = result;
    });
    for (const frame of [
      gratuitousArp('reply', V4, MEMBER),
      probeFrame(V4, mac('00:00:5e:00:53:03')),
      gratuitousArp('reply', V4, STRANGER),
      gratuitousArp('reply', V4, MEMBER),
    ])
      sockets[0]?.hear(frame);
    clock.runUntil(1000);
    await settle();
    expect(watched.result).to.deep.equal({ end: 'heard', macs: [MEMBER, STRANGER] });
    expect(sockets[0]?.sent).to.deep.equal([probeFrame(V4, OWN), probeFrame(V4, OWN)]);
    expect(sockets[0]?.isOpen).to.equal(false);
  });

  it('hears nobody, or says that it could not ask', async () => {
    const results: ResolveResult[] = [];
    for (const ifindex of [4, 9])
      void prober.resolve({ candidate: V6, ifindex, mac: OWN }).then((result) => results.push(result));
    clock.runUntil(1000);
    await settle();
    expect(results.map((result) => (result.end === 'heard' ? result.macs : result.end))).to.have.deep.members([
      [],
      'failed',
    ]);
  });

  it('ends everything when it is stopped', async () => {
    const watched = probe(V4);
    prober.stop();
    await settle();
    expect(watched.result?.end).to.equal('failed');
    expect(sockets[0]?.isOpen).to.equal(false);
  });
});
