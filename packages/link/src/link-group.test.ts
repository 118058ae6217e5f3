// SPDX-License-Identifier: Apache-2.0
import { MacAddress } from '@berth/core';
import { expect } from 'chai';
import { LinkGroup } from './link-group.ts';
import type { NativeLink } from './native.ts';

const GROUP = MacAddress.fromBytes(Uint8Array.of(0x01, 0, 0x5e, 0, 0, 0xfe)) ?? MacAddress.ZERO;

function fakeNative(refuse?: Error): { native: NativeLink; calls: unknown[][] } {
  const calls: unknown[][] = [];
  const native = {
    socketOpen(...args: unknown[]) {
      calls.push(['open', ...args]);
      return 9;
    },
    socketSetOption(...args: unknown[]) {
      calls.push(['option', ...args]);
      if (refuse) throw refuse;
    },
    socketClose(...args: unknown[]) {
      calls.push(['close', ...args]);
    },
  };
  return { native: native as unknown as NativeLink, calls };
}

describe('LinkGroup', () => {
  it('joins with a socket that receives nothing, and leaves once', () => {
    const { native, calls } = fakeNative();
    const group = LinkGroup.join(3, GROUP, native);
    group.close();
    group.close();
    const membership = Uint8Array.from([3, 0, 0, 0, 0, 0, 6, 0, 0x01, 0, 0x5e, 0, 0, 0xfe, 0, 0]);
    expect(calls).to.deep.equal([
      ['open', 17, 3, 0],
      ['option', 9, 263, 1, membership],
      ['close', 9],
    ]);
  });

  it('leaves no socket behind when the kernel refuses', () => {
    const { native, calls } = fakeNative(new Error('ENODEV'));
    expect(() => LinkGroup.join(3, GROUP, native)).to.throw('ENODEV');
    expect(calls.at(-1)).to.deep.equal(['close', 9]);
  });
});
