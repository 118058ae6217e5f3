// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { filterNews } from './filter-watch.ts';

const [NEW_QDISC, DEL_QDISC, DEL_FILTER] = [36, 37, 45];

/** A message of traffic control about an interface: struct nlmsghdr and tcmsg, without attributes. */
function message(type: number, ifindex: number): Buffer {
  const bytes = Buffer.alloc(16 + 20);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeInt32LE(ifindex, 20);
  return bytes;
}

describe('filterNews', () => {
  it('AT-03: names the interfaces whose queueing disciplines or filters changed', () => {
    const datagram = Buffer.concat([message(DEL_QDISC, 4), message(NEW_QDISC, 70_000), message(DEL_FILTER, 4)]);
    expect(filterNews(datagram)).to.deep.equal([4, 70_000, 4]);
  });

  it('leaves out what was cut, at every length', () => {
    const whole = message(DEL_QDISC, 4);
    for (let length = 0; length < whole.length; length++)
      expect(filterNews(whole.subarray(0, length)), `${length} bytes`).to.deep.equal([]);
  });
});
