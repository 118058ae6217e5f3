// SPDX-License-Identifier: Apache-2.0

import { arpFrame, gratuitousArp, IpAddress, MacAddress, unsolicitedAdvertisement } from '@berth/core';
import { mac } from '@berth/core/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { Inquiry, type InquiryOptions, sourceFor } from './inquiry.ts';
import type { LinkAddress } from './rtnetlink.ts';
import { runFilter } from './testing.ts';

const OWN = mac(1);
const OWNER = mac(2);
const V4 = IpAddress.of('IPv4', 0xcb007114n);
const OTHER_V4 = IpAddress.of('IPv4', 0xcb007115n);
const V6 = IpAddress.of('IPv6', 0x20010db8_00050000_00000000_00000007n);
const OWN_V4 = IpAddress.of('IPv4', 0xcb007109n);

/** A socket that hands on what its filter lets through. */
class FakeSocket {
  readonly sent: Uint8Array[] = [];
  readonly waiting: Uint8Array[] = [];
  isOpen = true;
  isBroken = false;
  #filter = new Uint8Array();
  #onFrame: (frame: { bytes: Uint8Array }) => void = () => {};

  setFilter(program: Uint8Array): void {
    this.#filter = Uint8Array.from(program);
  }

  receive(onFrame: (frame: { bytes: Uint8Array }) => void): void {
    this.#onFrame = onFrame;
  }

  send(frame: Uint8Array): boolean {
    if (this.isBroken) throw new Error('sendto: ENETDOWN');
    this.sent.push(frame);
    return true;
  }

  drain(): void {
    for (const bytes of this.waiting.splice(0)) this.#onFrame({ bytes });
  }

  close(): void {
    this.isOpen = false;
  }

  /** Returns whether the filter let it through. */
  hear(bytes: Uint8Array): boolean {
    const padded = new Uint8Array(96);
    padded.set(bytes);
    const passes = runFilter(this.#filter, padded) > 0;
    if (passes) this.#onFrame({ bytes });
    return passes;
  }
}

describe('Inquiry', () => {
  let clock: FakeClock;
  let sockets: FakeSocket[];
  let answers: string[];
  let failures: unknown[];

  beforeEach(() => {
    clock = new FakeClock();
    sockets = [];
    answers = [];
    failures = [];
  });

  function inquiry(changes: Partial<InquiryOptions> = {}): Inquiry {
    return new Inquiry({
      ...{ ifindex: 4, mac: OWN, clock },
      from: (target) => (target.family === 'IPv4' ? OWN_V4 : undefined),
      onAnswer: (address, one) => answers.push(`${address} ${one}`),
      onFailed: (error) => failures.push(error),
      openSocket: () => {
        const socket = new FakeSocket();
        sockets.push(socket);
        return socket;
      },
      ...changes,
    });
  }

  it('WT-01: asks the station first and then everybody, and gives each answer', () => {
    inquiry().ask({ target: V4, stations: [OWNER], audience: 'everybody' });
    const [socket] = sockets;
    expect(socket?.sent.map((frame) => String(MacAddress.fromBytes(frame.slice(0, 6))))).to.deep.equal([
      String(OWNER),
      'ff:ff:ff:ff:ff:ff',
    ]);
    expect(socket?.hear(replyOf(V4, OWNER))).to.equal(true);
    expect(answers).to.deep.equal([`203.0.113.20 ${OWNER}`]);
  });

  it('asks known stations alone', () => {
    inquiry().ask({ target: V4, stations: [OWNER, mac(3)], audience: 'stations' });
    expect(sockets[0]?.sent).to.have.length(2);
  });

  it('opens nothing before the first question and one socket for all of a family', () => {
    const one = inquiry();
    expect(sockets).to.have.length(0);
    for (const target of [V4, OTHER_V4]) one.ask({ target, stations: [], audience: 'everybody' });
    expect(sockets).to.have.length(1);
    one.ask({ target: V6, stations: [], audience: 'everybody' });
    expect(sockets).to.have.length(2);
    expect(sockets[1]?.hear(unsolicitedAdvertisement(V6, OWNER))).to.equal(true);
    expect(answers).to.deep.equal([`2001:db8:5::7 ${OWNER}`]);
    one.close();
    expect(sockets.map(({ isOpen }) => isOpen)).to.deep.equal([false, false]);
  });

  it('hears nothing any more a while after the last question, and keeps the socket', () => {
    const one = inquiry();
    one.ask({ target: V4, stations: [], audience: 'everybody' });
    clock.runUntil(999);
    expect(sockets[0]?.hear(replyOf(V4, OWNER))).to.equal(true);
    clock.runUntil(2_100);
    expect(sockets[0]?.hear(replyOf(V4, OWNER))).to.equal(false);
    one.ask({ target: V4, stations: [], audience: 'everybody' });
    expect(sockets).to.have.length(1);
    expect(sockets[0]?.hear(replyOf(V4, OWNER))).to.equal(true);
  });

  it('takes what is said about other addresses, and questions, for no answer', () => {
    inquiry().ask({ target: V4, stations: [], audience: 'everybody' });
    sockets[0]?.hear(replyOf(OTHER_V4, OWNER));
    expect(sockets[0]?.hear(questionFor(V4, mac(9)))).to.equal(false);
    // Somebody probes for it: that one does not answer for it.
    sockets[0]?.hear(probeFor(V4, mac(9)));
    expect(answers).to.deep.equal([]);
    sockets[0]?.hear(gratuitousArp('reply', V4, OWNER));
    expect(answers).to.have.length(1);
  });

  it('gives answers that wait before it returns from a drain', () => {
    const one = inquiry();
    one.ask({ target: V4, stations: [], audience: 'everybody' });
    sockets[0]?.waiting.push(replyOf(V4, OWNER));
    one.drain();
    expect(answers).to.have.length(1);
  });

  it('says that a question could not be asked', () => {
    const one = inquiry();
    one.ask({ target: V4, stations: [], audience: 'everybody' });
    for (const socket of sockets) socket.isBroken = true;
    one.ask({ target: V4, stations: [], audience: 'everybody' });
    inquiry({
      openSocket: () => {
        throw new Error('socket: EPERM');
      },
    }).ask({ target: V4, stations: [], audience: 'everybody' });
    expect(failures.map(String)).to.deep.equal(['Error: sendto: ENETDOWN', 'Error: socket: EPERM']);
  });
});

describe('sourceFor', () => {
  const own = (text: string, prefixLength: number, isTentative = false): LinkAddress => {
    const parsed = IpAddress.parse(text);
    if (!parsed.ok) throw new Error(parsed.reason);
    return { ifindex: 4, address: parsed.value, prefixLength, isTentative };
  };
  for (const { name, addresses, target, source } of [
    {
      name: 'the address in the subnet',
      addresses: [own('198.51.100.9', 24), own('203.0.113.9', 24)],
      target: V4,
      source: '203.0.113.9',
    },
    { name: 'any where none is near', addresses: [own('198.51.100.9', 32)], target: V4, source: '198.51.100.9' },
    { name: 'none of another family', addresses: [own('2001:db8:5::9', 64)], target: V4, source: 'undefined' },
    {
      name: 'the link-local one',
      addresses: [own('2001:db8:5::9', 64), own('fe80::9', 64)],
      target: V6,
      source: 'fe80::9',
    },
    { name: 'none that is tentative', addresses: [own('fe80::9', 64, true)], target: V6, source: 'undefined' },
  ])
    it(`takes ${name}`, () => {
      expect(String(sourceFor(addresses, target))).to.equal(source);
    });
});

function replyOf(address: IpAddress, sender: MacAddress): Uint8Array {
  return arpFrame(
    {
      operation: 2,
      senderHardwareAddr: sender,
      senderProtocolAddr: address,
      targetHardwareAddr: OWN,
      targetProtocolAddr: OWN_V4,
    },
    OWN,
  );
}

function questionFor(address: IpAddress, sender: MacAddress): Uint8Array {
  return requestOf(address, sender, OTHER_V4);
}

function probeFor(address: IpAddress, sender: MacAddress): Uint8Array {
  return requestOf(address, sender, IpAddress.of('IPv4', 0n));
}

function requestOf(address: IpAddress, sender: MacAddress, from: IpAddress): Uint8Array {
  return arpFrame(
    {
      operation: 1,
      senderHardwareAddr: sender,
      senderProtocolAddr: from,
      targetHardwareAddr: MacAddress.ZERO,
      targetProtocolAddr: address,
    },
    MacAddress.BROADCAST,
  );
}
