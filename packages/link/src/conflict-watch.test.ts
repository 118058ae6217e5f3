// SPDX-License-Identifier: Apache-2.0

import { IpAddress, type MacAddress } from '@berth/core';
import { mac } from '@berth/core/testing';
import { expect } from 'chai';
import { ConflictWatch } from './conflict-watch.ts';
import type { VipCounters } from './vip-rows.ts';

const STRANGER = mac('00:00:5e:00:53:99');
const MEMBER = mac('00:00:5e:00:53:02');
const VIP = IpAddress.of('IPv4', 0xcb007114n);

function row(claims: number, claimant: MacAddress | undefined = STRANGER): VipCounters {
  return { vip: VIP, requests: 0, replies: 0, claims, claimant: claims > 0 ? claimant : undefined };
}

describe('ConflictWatch', () => {
  let rows: VipCounters[];
  let told: string[];
  let watch: ConflictWatch;

  beforeEach(() => {
    rows = [row(0)];
    told = [];
    watch = new ConflictWatch({
      counters: () => rows,
      isOurs: (one) => one.equals(MEMBER),
      announce: (vip) => told.push(`announce ${vip}`),
    });
    watch.raised.subscribe((vip, stranger) => told.push(`alarm ${vip} ${stranger}`));
    watch.ended.subscribe((vip) => told.push(`end ${vip}`));
  });

  it('defends and alarms when a claim was counted since the last look', () => {
    watch.look(0);
    rows = [row(3)];
    watch.look(1000);
    watch.look(2000);
    expect(told).to.deep.equal([`announce ${VIP}`, `alarm ${VIP} ${STRANGER}`]);
    expect(watch.alarms).to.deep.equal([{ vip: VIP, stranger: STRANGER }]);
  });

  it('is not disturbed by a member', () => {
    rows = [row(3, MEMBER)];
    watch.look(0);
    expect(told).to.deep.equal([]);
  });

  it('ends the alarm when the stranger is silent', () => {
    rows = [row(1)];
    watch.look(0);
    watch.look(59_000);
    watch.look(60_000);
    expect(told.slice(2)).to.deep.equal([`end ${VIP}`]);
    expect(watch.alarms).to.deep.equal([]);
  });

  it('ends the alarm of a VIP that is not answered any more', () => {
    rows = [row(1)];
    watch.look(0);
    rows = [];
    watch.look(1000);
    watch.look(2000);
    expect(told.slice(2)).to.deep.equal([`end ${VIP}`]);
  });

  it('notices a claim after the counters began anew', () => {
    rows = [row(5)];
    watch.look(0);
    rows = [row(1)];
    watch.look(11_000);
    expect(told.slice(2)).to.deep.equal([`announce ${VIP}`]);
  });
});
