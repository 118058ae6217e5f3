// SPDX-License-Identifier: Apache-2.0
import type { HeartbeatBody, MembershipReport, MembershipState } from '@berth/core';
import { expect } from 'chai';
import { ip } from '../testing.ts';
import { HeldOffers } from './held-offers.ts';

const [VIP, OTHER] = ['203.0.113.20', '203.0.113.21'];
const TO = '0000000000000002';

function offering(...vips: readonly string[]): HeartbeatBody {
  return { node: 'edge-1', offers: vips.map((vip) => ({ to: TO, vip: ip(vip), term: 1 })) } as unknown as HeartbeatBody;
}

function handOvers(why: string, ...vips: readonly string[]): MembershipState['handOvers'] {
  return new Map(vips.map((vip) => [vip, { why }])) as unknown as MembershipState['handOvers'];
}

const refused = (vip: string, why: 'not-taken' | 'not-heard' = 'not-taken'): MembershipReport => ({
  kind: 'move-refused',
  vip: ip(vip),
  node: 'edge-2',
  why,
});

describe('HeldOffers', () => {
  it('MV-09: lets through what may be offered, and keeps back the rest', () => {
    const offers = new HeldOffers((vip) => String(vip) === VIP);
    expect(offers.without(offering(VIP, OTHER))?.offers?.map(({ vip }) => String(vip))).to.deep.equal([VIP]);
    expect(offers.without(offering(OTHER))).to.equal(undefined);
    const whole = offering(VIP);
    expect(offers.without(whole)).to.equal(whole);
    const bare = { node: 'edge-1' } as unknown as HeartbeatBody;
    expect(offers.without(bare)).to.equal(bare);
  });

  it('MV-09: an order that was kept back until it was withdrawn is given anew, and is not reported as refused', () => {
    const offers = new HeldOffers(() => false);
    offers.follow(handOvers('order'), handOvers('order', VIP));
    offers.without(offering(VIP));
    offers.follow(handOvers('order', VIP), handOvers('order'));
    expect(offers.fateOf(refused(VIP))).to.deep.equal({ again: refused(VIP) });
    // Once, and not what somebody did refuse.
    expect(offers.fateOf(refused(VIP))).to.equal('passed on');
    expect(offers.fateOf(refused(OTHER))).to.equal('passed on');
    offers.without(offering(VIP));
    expect(offers.fateOf(refused(VIP, 'not-heard'))).to.equal('passed on');
    expect(offers.fateOf({ kind: 'rebalanced' })).to.equal('passed on');
  });

  it('MV-09: a move for balance is left to the next attempt', () => {
    const offers = new HeldOffers(() => false);
    offers.follow(handOvers('rebalance'), handOvers('rebalance', VIP));
    offers.without(offering(VIP));
    offers.follow(handOvers('rebalance', VIP), handOvers('rebalance'));
    expect(offers.fateOf(refused(VIP))).to.deep.equal({ again: undefined });
  });

  it('MV-09: what was offered and not taken was refused', () => {
    let mayOffer = false;
    const offers = new HeldOffers(() => mayOffer);
    offers.without(offering(VIP));
    mayOffer = true;
    offers.without(offering(VIP));
    expect(offers.fateOf(refused(VIP))).to.equal('passed on');
  });
});
