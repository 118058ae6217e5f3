// SPDX-License-Identifier: Apache-2.0
import type { FrameSocket } from '@berth/link';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { mac } from '../testing.ts';
import { FloodProofSocket } from './segment-socket.ts';

type OnFrame = Parameters<FrameSocket['receive']>[0];

class FakeSocket implements FrameSocket {
  isReading = true;
  isOpen = true;
  dropped = 0;
  filterLength = 0;
  roomBytes = Number.POSITIVE_INFINITY;
  #onFrame: OnFrame = () => {};

  receive(onFrame: OnFrame): void {
    this.#onFrame = onFrame;
  }
  /** Frames arrive, and are read as long as somebody reads. */
  arrive(count: number): void {
    for (let index = 0; index < count; index++) {
      if (this.isReading) this.#onFrame({ bytes: new Uint8Array(), ifindex: 1, packetType: 'multicast' });
      else this.dropped += 1;
    }
  }
  pause(): void {
    this.isReading = false;
  }
  resume(): void {
    this.isReading = true;
  }
  setFilter(program: Uint8Array): void {
    if (program.length > this.roomBytes) throw new Error('setsockopt: ENOMEM');
    this.filterLength = program.length;
  }
  send(): boolean {
    return true;
  }
  takeStatistics() {
    const { dropped } = this;
    this.dropped = 0;
    return { received: 0, dropped };
  }
  close(): void {
    this.isOpen = false;
  }
}

describe('FloodProofSocket', () => {
  let clock: FakeClock;
  let members: FakeSocket;
  let strangers: FakeSocket;
  let socket: FloodProofSocket;
  let heard = 0;

  beforeEach(() => {
    clock = new FakeClock();
    members = new FakeSocket();
    strangers = new FakeSocket();
    socket = new FloodProofSocket({ members, strangers, group: { close: () => {} }, clock });
    heard = 0;
    socket.receive(
      () => heard++,
      () => {},
    );
  });

  it('reads a bounded number of frames of strangers in a window, and goes on in the next', async () => {
    strangers.arrive(1000);
    expect(heard).to.equal(64);
    await clock.advance(25);
    strangers.arrive(10);
    expect(heard).to.equal(74);
  });

  it('reads all frames of members, also while strangers flood', () => {
    strangers.arrive(1000);
    members.arrive(500);
    expect(heard).to.equal(64 + 500);
  });

  it('counts what it did not read', () => {
    strangers.arrive(1000);
    expect(socket.unread).to.equal(936);
    expect(socket.unread).to.equal(936);
  });

  it('filters both sockets by the members that it is told', () => {
    socket.prefer([mac(1), mac(2)]);
    expect(members.filterLength).to.be.greaterThan(0);
    expect(strangers.filterLength).to.equal(members.filterLength);
  });

  it('prefers fewer members where the kernel has no room for more', () => {
    const many = Array.from({ length: 100 }, (_, index) => mac(index));
    strangers.roomBytes = 500;
    socket.prefer(many);
    expect(members.filterLength).to.be.within(250, 500);
    expect(strangers.filterLength).to.equal(members.filterLength);
  });

  it('closes both sockets', () => {
    socket.close();
    expect([members.isOpen, strangers.isOpen]).to.deep.equal([false, false]);
  });
});
