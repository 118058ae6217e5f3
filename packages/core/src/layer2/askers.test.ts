// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import { Askers } from './askers.ts';

const [A, B] = [vip(1), vip(2)];

describe('Askers', () => {
  it('WT-03: names those that asked lately, each once and the latest first', () => {
    const askers = new Askers();
    askers.note(A, asker(1), 1_000);
    askers.note(A, asker(2), 2_000);
    askers.note(B, asker(3), 3_000);
    askers.note(B, asker(2), 4_000);
    expect(askers.lately(0, 8).map(lastByte)).to.deep.equal([2, 3, 1]);
    expect(askers.lately(2_500, 8).map(lastByte)).to.deep.equal([2, 3]);
    expect(askers.lately(0, 1).map(lastByte)).to.deep.equal([2]);
    expect(askers.lately(4_001, 8)).to.deep.equal([]);
  });

  it('names the latest of one VIP first', () => {
    const askers = new Askers();
    askers.note(A, asker(1), 1);
    askers.note(A, asker(2), 2);
    askers.note(A, asker(1), 3);
    expect(askers.of(A)).to.deep.equal([asker(1), asker(2)]);
    expect(askers.of(B)).to.deep.equal([]);
  });
});

function vip(number: number): IpAddress {
  return IpAddress.of('IPv4', 0xcb007100n + BigInt(number));
}

function asker(number: number) {
  const mac = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, number)) ?? MacAddress.ZERO;
  return { mac, ip: IpAddress.of('IPv4', 0xcb007180n + BigInt(number)) };
}

function lastByte({ mac }: { readonly mac: MacAddress }): number {
  return mac.toBytes().at(-1) ?? 0;
}
