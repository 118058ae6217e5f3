// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

const PORT = 7482;

describe('datagrams between hosts of a segment', () => {
  let lan: WireLan;
  let sender: WireHost;
  let stranger: WireHost;
  let reader: WireHost;

  before(async () => {
    lan = await WireLan.up({
      sender: { addresses: ['203.0.113.1/24', '2001:db8::1/64'] },
      stranger: { addresses: ['203.0.113.9/24', '2001:db8::9/64'] },
      reader: { addresses: ['203.0.113.2/24', '2001:db8::2/64'] },
    });
    sender = lan.host('sender');
    stranger = lan.host('stranger');
    reader = lan.host('reader');
    for (const host of [sender, stranger, reader])
      await host.call('hearDatagrams', 'lan0', PORT, '203.0.113.1', '2001:db8::1');
  });

  after(() => lan.down());

  for (const [family, from, to] of [
    ['IPv4', '203.0.113.1', '203.0.113.2'],
    ['IPv6', '2001:db8::1', '2001:db8::2'],
  ] as const) {
    it(`WT-26: ${family}: takes what a named host sends, and not what came through a router or from anybody else`, async () => {
      reader.seen.length = 0;
      // A TTL of 64, as of any program; a router would make 254 of 255.
      sender.run('bash', '-c', `echo -n routed > /dev/udp/${to}/${PORT}`);
      await stranger.call('sendDatagram', to, 'stranger');
      await until('the good one is heard', async () => {
        await sender.call('sendDatagram', to, 'good');
        return reader.seen.some(({ hex }) => hex === `${from} good`);
      });
      // A good one of the family before this may still be on its way.
      expect(reader.seen.map(({ hex }) => hex).filter((one) => !one.endsWith(' good'))).to.deep.equal([]);
    });
  }
});
