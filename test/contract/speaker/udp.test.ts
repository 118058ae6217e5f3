// SPDX-License-Identifier: Apache-2.0

// Real speakers behind packet filters below IP, which drop frames of unknown EtherTypes: they hear each other by UDP,
// and agree on one owner.

import { expect } from 'chai';
import { PATIENCE_MS, useOwnSpeakers } from '../support/own-speakers.ts';
import { until } from '../support/until.ts';

const FILTER = `table netdev f {
  chain i { type filter hook ingress device "eth0" priority 0; policy drop; ether type { ip, arp, ip6 } accept; }
}`;

describe('speakers behind filters that drop their frames', function () {
  this.timeout(180_000);
  const use = useOwnSpeakers('udp');

  it('WT-25: hear each other by UDP within seconds, and the owner stays', async () => {
    const { own } = use;
    const before = await own.owner();
    await own.allHearBy('multicast');
    for (const host of own.hosts) host.run('nft', FILTER);
    await own.allHearBy('udp');
    expect(await own.answering()).to.deep.equal([before]);
  });

  it('WT-25: a crash is noticed by UDP: another one takes over', () => use.own.crash('udp'));

  it('WT-25: a filter on one node alone is enough for datagrams in that direction, and without filters they end', async () => {
    const { own } = use;
    const [first, ...others] = own.hosts;
    for (const host of others) host.run('nft', 'delete table netdev f');
    await until(
      async () => expect(await first?.metric('berth_speaker_transport', 'transport="udp"')).to.equal(1),
      PATIENCE_MS,
    );
    await own.allHearBy('multicast', others);
    first?.run('nft', 'delete table netdev f');
    await own.allHearBy('multicast');
    expect(await own.answering()).to.have.length(1);
  });
});
