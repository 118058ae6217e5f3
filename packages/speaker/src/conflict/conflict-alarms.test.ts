// SPDX-License-Identifier: Apache-2.0
import { IpAddress } from '@berth/core';
import type { VipCounters } from '@berth/link';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import type { ServedVip } from '../layer2/wire.ts';
import { ip, mac } from '../testing.ts';
import { ConflictAlarms } from './conflict-alarms.ts';

const VIP = ip('192.0.2.20');
const [STRANGER, MEMBER] = [mac(0x99), mac(3)];

describe('ConflictAlarms', () => {
  let clock: FakeClock;
  let rows: VipCounters[];
  let served: ServedVip[];
  let told: string[];
  let alarms: ConflictAlarms;

  beforeEach(() => {
    clock = new FakeClock(new Date(0));
    rows = [];
    served = [{ vip: VIP, services: ['shop/web'], interfaces: ['eth0', 'eth1'] }];
    told = [];
    alarms = new ConflictAlarms({
      clock,
      claimed: () => rows,
      isOurs: (one) => one.equals(MEMBER),
      served: () => served,
      defend: (vip, ifname) => told.push(`${clock.now()} defend ${vip} ${ifname}`),
    });
    alarms.began.subscribe(({ vip, mac: by }, one) => told.push(`${clock.now()} alarm ${vip} ${by} ${one?.services}`));
    alarms.ended.subscribe(({ vip, mac: by }) => told.push(`${clock.now()} ended ${vip} ${by}`));
    alarms.start();
  });

  function claimed(vip: IpAddress, claims: number, claimant = STRANGER): VipCounters {
    return { vip, requests: 0, replies: 0, claims, claimant };
  }

  it('GR-06: defends on each interface and raises an alarm, until a minute of silence', async () => {
    rows = [claimed(VIP, 1)];
    await clock.advance(1000);
    expect(told).to.deep.equal([
      `1000 alarm ${VIP} ${STRANGER} shop/web`,
      `1000 defend ${VIP} eth0`,
      `1000 defend ${VIP} eth1`,
    ]);
    expect(alarms.conflicts()).to.deep.equal([
      { vip: VIP, interface: 'eth0,eth1', mac: STRANGER, sinceSeconds: 1, kind: 'in-use' },
    ]);
    await clock.advance(60_000);
    expect(told.slice(3)).to.deep.equal([`61000 ended ${VIP} ${STRANGER}`]);
    expect(alarms.conflicts()).to.deep.equal([]);
  });

  it('HO-12: takes no member for a stranger', async () => {
    rows = [claimed(VIP, 1, MEMBER)];
    await clock.advance(5000);
    expect(told).to.deep.equal([]);
  });

  it('defends no more than 25 VIPs a second, all of them in the end', async () => {
    const vips = Array.from({ length: 60 }, (_, index) => IpAddress.of('IPv4', 0xc0000201n + BigInt(index)));
    served = vips.map((vip) => ({ vip, services: [], interfaces: ['eth0'] }));
    rows = vips.map((vip) => claimed(vip, 1));
    const defences = () => told.filter((line) => line.includes('defend')).length;
    await clock.advance(1000);
    expect(defences()).to.equal(25);
    await clock.advance(2000);
    expect(defences()).to.equal(60);
  });

  it('looks no more when it is stopped', async () => {
    alarms.stop();
    rows = [claimed(VIP, 1)];
    await clock.advance(5000);
    expect(told).to.deep.equal([]);
  });
});
