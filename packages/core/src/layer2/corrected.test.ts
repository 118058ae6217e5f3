// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import { type Asker, Askers } from './askers.ts';
import { correctedFor } from './corrected.ts';

const VIP = ip(20);

function ip(number: number): IpAddress {
  return IpAddress.of('IPv4', 0xcb007100n + BigInt(number));
}

function host(number: number): Asker {
  const mac = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, number >> 8, number & 0xff)) ?? MacAddress.ZERO;
  return { mac, ip: ip(number) };
}

describe('correctedFor', () => {
  const told = (neighbors: readonly Asker[], gateways: readonly IpAddress[], askers: readonly Asker[] = []) =>
    correctedFor(VIP, { neighbors, gateways }, askers).map(({ kind, ip: address }) => `${kind} ${address}`);

  it('names gateways first, then askers, then the others', () => {
    expect(told([host(3), host(1)], [ip(1)], [host(2)])).to.deep.equal([
      'gateway 203.0.113.1',
      'asker 203.0.113.2',
      'neighbor 203.0.113.3',
    ]);
  });

  it('names each host once', () => {
    expect(told([host(1), host(2)], [ip(1)], [host(1), host(2)])).to.deep.equal([
      'gateway 203.0.113.1',
      'asker 203.0.113.2',
    ]);
  });

  it('leaves out a gateway that the kernel has not talked to, hosts of the other family, and the VIP itself', () => {
    const other = { ...host(5), ip: IpAddress.of('IPv6', 0x20010db8_00050000_00000000_00000007n) };
    expect(told([other, { ...host(7), ip: VIP }], [ip(1)])).to.deep.equal([]);
  });
});

describe('Askers', () => {
  it('names those that asked for a VIP, the latest first', () => {
    const askers = new Askers();
    for (const number of [1, 2, 1]) askers.note(VIP, host(number), 0);
    askers.note(ip(21), host(9), 0);
    expect(askers.of(VIP).map((one) => String(one.ip))).to.deep.equal(['203.0.113.1', '203.0.113.2']);
  });

  it('keeps a few of each VIP', () => {
    const askers = new Askers();
    for (let number = 1; number <= 1000; number++) askers.note(VIP, host(number), 0);
    expect(askers.of(VIP)).to.have.length(8);
    expect(askers.of(VIP)[0]).to.deep.equal(host(1000));
  });

  it('forgets the VIPs that were asked for longest ago when there are too many', () => {
    const askers = new Askers();
    for (let vip = 0; vip < 3000; vip++)
      for (let number = 1; number <= 4; number++)
        askers.note(IpAddress.of('IPv4', BigInt(0x0a000000 + vip)), host(number), 0);
    const kept = Array.from(
      { length: 3000 },
      (_, vip) => askers.of(IpAddress.of('IPv4', BigInt(0x0a000000 + vip))).length,
    );
    expect(kept.reduce((sum, count) => sum + count, 0)).to.be.within(8000, 8192);
    expect([kept[0], kept[2999]]).to.deep.equal([0, 4]);
  });

  it('forgets VIPs that are gone', () => {
    const askers = new Askers();
    askers.note(VIP, host(1), 0);
    askers.keep([ip(21)]);
    expect(askers.of(VIP)).to.deep.equal([]);
  });
});
