// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { claimsOf, heartbeatOf, LoneNode, OWN_BOOT, vipOf } from './testing.ts';

const BOTH = ['edge-1', 'edge-2'];
const VIP = String(vipOf(21));
const PEER = heartbeatOf().bootId;

/** edge-1, owner of .21 with term 1, with edge-2 at work beside it. */
function owner(): LoneNode {
  const node = new LoneNode();
  node.want(BOTH, 21);
  node.begin(claimsOf(1));
  expect(node.owned()).to.deep.equal([VIP]);
  return node;
}

function offersIn(node: LoneNode): string[] {
  return node.sent().flatMap((body) => (body.offers ?? []).map((offer) => `${offer.vip} to ${offer.to}`));
}

describe('hand-over', () => {
  it('goes on answering until the taker has claimed the VIP', () => {
    const node = owner();
    node.give({ type: 'move', vip: vipOf(21), node: 'edge-2' });
    node.pass(25, claimsOf(1));
    expect(node.owned()).to.deep.equal([VIP]);
    expect(offersIn(node)[0]).to.equal(`${VIP} to ${PEER}`);
    node.hear(claimsOf(2, [21, 2]));
    expect(node.changes()).to.deep.equal([`stop ${VIP} handed-over`]);
  });

  it('takes a VIP that is offered, with a higher term', () => {
    const node = new LoneNode();
    node.want(BOTH, 20);
    const claims = claimsOf(1, [20, 6]);
    node.begin(claims);
    node.hear({ ...claims, offers: [{ to: OWN_BOOT, vip: vipOf(20), term: 6 }] });
    node.give({ type: 'tick' });
    expect(node.changes()).to.deep.equal([`answer ${vipOf(20)} handed-over`]);
    expect(node.state.claims.get(String(vipOf(20)))?.term).to.equal(7);
  });

  it('does not take what is offered to another, what it may not own, or what somebody else took meanwhile', () => {
    const node = new LoneNode();
    node.want(['edge-2', 'edge-3'], 20);
    const third = { bootId: '00000000000000c0', node: 'edge-3' };
    node.begin(claimsOf(1, [20, 6]), third);
    node.hear({ ...claimsOf(1, [20, 6]), offers: [{ to: OWN_BOOT, vip: vipOf(20), term: 6 }] });
    node.give({ type: 'tick' });
    node.want([...BOTH, 'edge-3'], 20);
    node.hear({ ...claimsOf(1, [20, 6]), offers: [{ to: third.bootId, vip: vipOf(20), term: 6 }] });
    node.give({ type: 'tick' });
    node.hear({ ...third, ...claimsOf(2, [20, 7]) });
    node.hear({ ...claimsOf(1, [20, 6]), offers: [{ to: OWN_BOOT, vip: vipOf(20), term: 6 }] });
    node.give({ type: 'tick' });
    expect(node.changes()).to.deep.equal([]);
  });

  it('refuses an order to a node that is not heard, or is no candidate', () => {
    const node = owner();
    node.give({ type: 'move', vip: vipOf(21), node: 'edge-9' });
    node.want(['edge-1'], 21);
    node.give({ type: 'move', vip: vipOf(21), node: 'edge-2' });
    expect(node.reports().filter((kind) => kind === 'move-refused')).to.have.length(2);
  });

  it('keeps the VIP when the taker of an order does not take it, and says so', () => {
    const node = owner();
    node.give({ type: 'move', vip: vipOf(21), node: 'edge-2' });
    node.pass(300, claimsOf(1));
    expect(node.owned()).to.deep.equal([VIP]);
    expect(node.reports()).to.include('move-refused');
  });

  it('hands over what it may not own any more, and stops only then', () => {
    const node = owner();
    node.want(['edge-2'], 21);
    node.give({ type: 'tick' });
    expect(offersIn(node)).to.deep.equal([`${VIP} to ${PEER}`]);
    expect(node.owned()).to.deep.equal([VIP]);
    node.hear(claimsOf(2, [21, 2]));
    expect(node.owned()).to.deep.equal([]);
  });

  it('EL-11: keeps its VIPs when its node turns not ready, and gets new ones only when no other is ready', () => {
    const node = owner();
    const candidates = [
      { node: 'edge-1', standing: 'last-resort' as const, score: 0 },
      { node: 'edge-2', standing: 'eligible' as const, score: 0 },
    ];
    node.give({ type: 'desired', vips: [21, 22, 23].map((number) => ({ vip: vipOf(number), candidates })) });
    node.pass(150, claimsOf(1));
    expect(node.owned()).to.deep.equal([VIP]);
    const alone = candidates.slice(0, 1);
    node.give({ type: 'desired', vips: [21, 22].map((number) => ({ vip: vipOf(number), candidates: alone })) });
    node.pass(150, claimsOf(1));
    expect(node.owned()).to.deep.equal([VIP, String(vipOf(22))]);
  });

  it('hands over to a fit member while it is unfit itself', () => {
    const node = owner();
    node.give({ type: 'fitness', fitness: 'unfit' });
    node.give({ type: 'tick' });
    expect(offersIn(node)).to.deep.equal([`${VIP} to ${PEER}`]);
    node.hear(claimsOf(2, [21, 2]));
    expect(node.changes()).to.deep.equal([`stop ${VIP} handed-over`]);
  });

  it('keeps what it has while nobody fit is there, and when it is fit again in time', () => {
    const node = owner();
    const unfit = { ...claimsOf(1), fitness: 'unfit' as const };
    node.hear(unfit);
    node.give({ type: 'fitness', fitness: 'unfit' });
    node.pass(1000, unfit);
    expect(offersIn(node)).to.deep.equal([]);
    node.hear(claimsOf(1));
    node.give({ type: 'tick' });
    expect(offersIn(node)).to.have.length(1);
    node.give({ type: 'fitness', fitness: 'fit' });
    node.pass(1000, claimsOf(1));
    expect(offersIn(node)).to.deep.equal([]);
    expect(node.owned()).to.deep.equal([VIP]);
  });

  it('offers nothing to a member that is unfit, and takes what nobody fit may own', () => {
    const node = owner();
    const unfit = { ...claimsOf(1), fitness: 'unfit' as const };
    node.hear(unfit);
    node.give({ type: 'move', vip: vipOf(21), node: 'edge-2' });
    expect(node.reports()).to.include('move-refused');
    node.want(BOTH, 21, 22, 23);
    node.pass(75, unfit);
    expect(node.owned()).to.deep.equal([VIP, String(vipOf(22)), String(vipOf(23))]);
  });

  it('follows an order where nobody is fit, as in a cluster without kube-proxy', () => {
    const node = owner();
    node.hear({ ...claimsOf(1), fitness: 'unfit' });
    node.give({ type: 'fitness', fitness: 'unfit' });
    node.give({ type: 'move', vip: vipOf(21), node: 'edge-2' });
    node.give({ type: 'tick' });
    expect(offersIn(node)).to.deep.equal([`${VIP} to ${PEER}`]);
  });

  it('stops in the end when nobody takes what it may not own, whoever seems to be a candidate', () => {
    const node = owner();
    node.want(['edge-2'], 21);
    node.pass(1900, claimsOf(1));
    expect(node.owned()).to.deep.equal([VIP]);
    node.pass(400, claimsOf(1));
    expect(node.changes()).to.deep.equal([`stop ${VIP} no-candidate`]);
    node.pass(2000, claimsOf(1));
    expect(node.owned()).to.deep.equal([]);
  });

  it('asks the next one when the first does not take it', () => {
    const node = new LoneNode();
    const all = [...BOTH, 'edge-3'];
    const third = { bootId: '00000000000000c0', node: 'edge-3', ...claimsOf(1, [30, 1]) };
    node.want(all, 21, 30);
    node.begin(claimsOf(1, [31, 1], [32, 1]), third);
    node.want(['edge-2', 'edge-3'], 21, 30);
    node.pass(150, claimsOf(1, [31, 1], [32, 1]), third);
    node.take();
    node.pass(150, claimsOf(1, [31, 1], [32, 1]), third);
    const asked = new Set(offersIn(node).map((offer) => offer.split(' ').at(-1)));
    expect([...asked]).to.include.members([PEER]);
  });

  it('leaves when all is handed over, says goodbye and is silent from then on', () => {
    const node = owner();
    node.give({ type: 'leave' });
    node.pass(25, claimsOf(1));
    expect(offersIn(node)[0]).to.equal(`${VIP} to ${PEER}`);
    node.hear(claimsOf(2, [21, 2]));
    node.give({ type: 'tick' });
    expect(node.changes()).to.deep.equal([`stop ${VIP} handed-over`, 'stop-all left', 'left']);
    expect(node.state.beat?.phase).to.equal('gone');
    node.nowMs += 60_000;
    expect(node.give({ type: 'tick' })).to.deep.equal([]);
  });

  it('leaves at once when no other node may take anything', () => {
    const node = new LoneNode();
    node.want(['edge-1'], 21);
    node.begin();
    node.give({ type: 'leave' });
    node.give({ type: 'tick' });
    expect(node.changes()).to.deep.equal(['stop-all left', 'left']);
  });

  it('AT-11: goes on until a node that starts anew can take what it has, and hands it over then', () => {
    const node = new LoneNode();
    node.want(BOTH, 21);
    node.begin();
    node.give({ type: 'leave' });
    node.pass(5_000);
    node.pass(500, { ...claimsOf(1), phase: 'listening' });
    expect(node.changes()).to.deep.equal([]);
    expect(node.owned()).to.deep.equal([VIP]);
    node.pass(50, claimsOf(1));
    expect(offersIn(node).at(-1)).to.equal(`${VIP} to ${PEER}`);
    node.hear(claimsOf(2, [21, 2]));
    node.give({ type: 'tick' });
    expect(node.changes()).to.deep.equal([`stop ${VIP} handed-over`, 'stop-all left', 'left']);
  });

  it('AT-11: waits 15 seconds at most, and not for a node that leaves too', () => {
    const alone = new LoneNode();
    alone.want(BOTH, 21);
    alone.begin();
    alone.give({ type: 'leave' });
    alone.pass(14_990);
    expect(alone.changes()).to.deep.equal([]);
    alone.pass(20);
    expect(alone.changes()).to.deep.equal(['stop-all left', 'left']);
    const node = owner();
    node.hear({ ...claimsOf(1), phase: 'leaving' });
    node.give({ type: 'leave' });
    node.give({ type: 'tick' });
    expect(node.changes()).to.deep.equal(['stop-all left', 'left']);
  });

  it('AT-11: does not wait for a node that is not ready', () => {
    const node = new LoneNode();
    const candidates = [
      { node: 'edge-1', standing: 'eligible', score: 0 },
      { node: 'edge-2', standing: 'last-resort', score: 0 },
    ] as const;
    node.give({ type: 'desired', vips: [{ vip: vipOf(21), candidates }] });
    node.begin();
    node.give({ type: 'leave' });
    node.give({ type: 'tick' });
    expect(node.changes()).to.deep.equal(['stop-all left', 'left']);
  });

  it('leaves in the end although nobody takes anything', () => {
    const node = owner();
    node.give({ type: 'leave' });
    node.pass(2100, claimsOf(1));
    expect(node.changes()).to.deep.equal(['stop-all left', 'left']);
  });

  it('is given nothing new while it leaves', () => {
    const node = owner();
    node.give({ type: 'leave' });
    node.hear({ ...claimsOf(2, [20, 1]), offers: [{ to: OWN_BOOT, vip: vipOf(20), term: 1 }] });
    node.give({ type: 'tick' });
    expect(node.owned()).to.deep.equal([VIP]);
  });
});
