// SPDX-License-Identifier: Apache-2.0
import type { MacAddress } from '@berth/core';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { mac } from '../testing.ts';
import { MemberMacs } from './member-macs.ts';
import type { JoinedSegment } from './node-state.ts';

const [OWN, MEMBER, STRANGER] = [mac(1), mac(2), mac(0x99)];

describe('MemberMacs', () => {
  let clock: FakeClock;
  let members: MacAddress[];
  let macs: MemberMacs;

  beforeEach(() => {
    clock = new FakeClock();
    members = [MEMBER];
    macs = new MemberMacs({ clock, own: () => [OWN], joined: () => [segment()] });
  });

  // The MAC addresses of the members are all that is looked at.
  function segment(): JoinedSegment {
    return { loop: { state: { members: members.map((one) => ({ mac: one })) } } } as unknown as JoinedSegment;
  }

  it('knows the addresses of this node and of the members of this moment', () => {
    expect([OWN, MEMBER, STRANGER].map((one) => macs.isOurs(one))).to.deep.equal([true, true, false]);
  });

  it('remembers a member that is gone for ten minutes', async () => {
    macs.start();
    members = [];
    await clock.advance(10 * 60_000);
    expect(macs.isOurs(MEMBER)).to.equal(true);
    await clock.advance(5_000);
    expect(macs.isOurs(MEMBER)).to.equal(false);
    macs.stop();
    expect(clock.pendingTimers).to.equal(0);
  });
});
