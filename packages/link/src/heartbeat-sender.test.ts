// SPDX-License-Identifier: Apache-2.0
import { IpAddress, MacAddress } from '@berth/core';
import { expect } from 'chai';
import { HeartbeatSender } from './heartbeat-sender.ts';
import type { HeartbeatHandle, NativeLink } from './native.ts';
import type { Responder } from './responder.ts';

const ETH0 = 4;
const KEY = { inner: new Uint8Array(64), outer: new Uint8Array(64) };
const PEER = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 2)) ?? MacAddress.ZERO;
const ADDRESS = IpAddress.of('IPv4', 0xcb007102n);

function world() {
  const calls: string[] = [];
  const native = {
    heartbeatOpen: () => ({}) as HeartbeatHandle,
    heartbeatAttach: (_handle: unknown, ifindex: number) => {
      calls.push(`attach ${ifindex}`);
      return 0;
    },
    heartbeatDetach: () => calls.push('detach'),
    heartbeatFrame: () => calls.push('frame'),
    heartbeatCopies: (_handle: unknown, _slot: number, macs: Uint8Array) => calls.push(`copies ${macs.length / 6}`),
    heartbeatDatagrams: (_handle: unknown, _slot: number, fd4: number, _fd6: number, addresses: Uint8Array) =>
      calls.push(`datagrams from ${fd4}: ${addresses.length > 0 ? 'some' : 'none'}`),
  } as unknown as NativeLink;
  return { calls, sender: HeartbeatSender.open({ handle: {} } as Responder, native) };
}

describe('HeartbeatSender', () => {
  it('WT-24: sends to single peers that were named before the interface had a frame', () => {
    const { calls, sender } = world();
    sender.copyTo(ETH0, [PEER]);
    sender.datagramsTo(ETH0, { fd4: 9, port: 7482, addresses: [ADDRESS] });
    expect(calls).to.deep.equal([]);
    sender.setFrame(ETH0, new Uint8Array(60), KEY);
    expect(calls).to.deep.equal(['attach 4', 'frame', 'copies 1', 'datagrams from 9: some']);
    sender.setFrame(ETH0, new Uint8Array(60), KEY);
    expect(calls.slice(4)).to.deep.equal(['frame']);
  });

  it('WT-24: forgets them when the interface is detached', () => {
    const { calls, sender } = world();
    sender.setFrame(ETH0, new Uint8Array(60), KEY);
    sender.copyTo(ETH0, [PEER]);
    sender.detach(ETH0);
    sender.setFrame(ETH0, new Uint8Array(60), KEY);
    expect(calls).to.deep.equal(['attach 4', 'frame', 'copies 1', 'detach', 'attach 4', 'frame']);
  });
});
