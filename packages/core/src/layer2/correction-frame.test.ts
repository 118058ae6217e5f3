// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { IpAddress } from '../net/ip-address.ts';
import { mac } from '../net/testing.ts';
import { decodeEthernet } from '../wire/ethernet.ts';
import { decodeIpv6 } from '../wire/ipv6.ts';
import { decodeNdp } from '../wire/ndp.ts';
import { correctionFrame } from './correction-frame.ts';

describe('correctionFrame', () => {
  it('is a gratuitous ARP reply to the neighbour alone', () => {
    const to = { mac: mac(9), ip: IpAddress.of('IPv4', 0xcb007109n) };
    const frame = correctionFrame(IpAddress.of('IPv4', 0xcb007114n), mac(1), to);
    const hex = [...frame].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const [own, other] = ['00005e005301', '00005e005309'];
    expect(hex).to.equal(`${other}${own}08060001080006040002${own}cb007114${own}cb007114`);
  });

  it('is a neighbor advertisement to the neighbour alone, Override set and Solicited not', () => {
    const vip = IpAddress.of('IPv6', 0x20010db8_00050000_00000000_00000014n);
    const to = { mac: mac(9), ip: IpAddress.of('IPv6', 0x20010db8_00050000_00000000_00000009n) };
    const ethernet = decodeEthernet(correctionFrame(vip, mac(1), to));
    if (!ethernet.ok) throw new Error(ethernet.reason);
    expect(String(ethernet.frame.destination)).to.equal('00:00:5e:00:53:09');
    const ip = decodeIpv6(ethernet.frame.payload);
    const ndp = ip.ok ? decodeNdp(ip.packet) : ip;
    if (!ndp.ok) throw new Error(ndp.reason);
    expect(String(ndp.packet.destination)).to.equal(String(to.ip));
    expect(ndp.packet.message).to.include({ solicited: false, override: true, router: false });
  });
});
