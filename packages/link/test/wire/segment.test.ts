// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { question } from '../support/arp-text.ts';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

const GROUP = '01005e0000fe';
const OTHER_GROUP = '01005e0000fd';
const STRANGER = '00005e005399';
const STRANGER_TEXT = '00:00:5e:00:53:99';
const TYPE = '88b5';
/** Tag control information behind the EtherType of a tag: VLAN 10; VLAN 0 with priority 5. */
const VLAN_10 = '8100000a';
const PRIORITY_ONLY = '8100a000';

describe('frames of a segment', () => {
  let lan: WireLan;
  let sender: WireHost;
  let reader: WireHost;
  let mac: string;

  before(async () => {
    lan = await WireLan.up({ sender: {}, reader: { addresses: ['203.0.113.2/24'] } });
    sender = lan.host('sender');
    reader = lan.host('reader');
    await sender.call('watch', 'lan0');
    await reader.call('watchSegment', 'lan0');
    mac = (await reader.call('macOf', 'lan0')).replaceAll(':', '');
  });

  after(() => lan.down());

  /** Sends a frame, then a good one; tells whether the first came too. */
  async function isRead(destination: string, tags: string): Promise<boolean> {
    reader.seen.length = 0;
    await sender.call('send', 'lan0', `${destination}${STRANGER}${tags}${TYPE}${'aa'.repeat(80)}`);
    await sender.call('send', 'lan0', `${GROUP}${STRANGER}${TYPE}${'bb'.repeat(80)}`);
    await until('the good frame is read', () => reader.seen.some(({ hex }) => hex.endsWith('bb')));
    return reader.seen.some(({ hex }) => hex.endsWith('aa'));
  }

  const table = [
    { name: 'for the group', to: () => GROUP, tags: '', read: true },
    { name: 'for this host alone', to: () => mac, tags: '', read: true },
    { name: 'with a priority tag', to: () => GROUP, tags: PRIORITY_ONLY, read: true },
    { name: 'of VLAN 10, for the group', to: () => GROUP, tags: VLAN_10, read: false },
    { name: 'of VLAN 10, for this host alone', to: () => mac, tags: VLAN_10, read: false },
    { name: 'of VLAN 10 in a priority tag', to: () => GROUP, tags: PRIORITY_ONLY + VLAN_10, read: false },
    { name: 'for another group', to: () => OTHER_GROUP, tags: '', read: false },
    { name: 'for another host', to: () => '00005e0053aa', tags: '', read: false },
  ];
  for (const { name, to, tags, read } of table) {
    it(`WT-21: a heartbeat ${name} is ${read ? 'read' : 'not read'}`, async () => {
      // A card that lets everything through, as under tcpdump, changes nothing.
      reader.run('ip', 'link', 'set', 'lan0', 'promisc', 'on');
      expect(await isRead(to(), tags)).to.equal(read);
    });
  }

  it('WT-21: a claim in VLAN 10 is no conflict, the same claim without a tag is one', async () => {
    const claim = question(STRANGER_TEXT, '203.0.113.20', '203.0.113.20');
    const tagged = `${claim.slice(0, 24)}${VLAN_10}${claim.slice(24)}`;
    expect(await probeWhile(tagged)).to.equal('free');
    expect(await probeWhile(claim)).to.equal(`conflict with ${STRANGER_TEXT}`);
  });

  async function probeWhile(frame: string): Promise<string> {
    const result = reader.call('probe', 'lan0', '203.0.113.20', 'quick');
    let isOver = false;
    void result.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await sender.call('send', 'lan0', frame);
      await delay(5);
    }
    return result;
  }
});
