// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { claimsOf, heartbeatOf, LoneNode, macOf, OWN_BOOT, viewOf, vipOf } from './testing.ts';

const BOTH = ['edge-1', 'edge-2'];
const VIP = String(vipOf(20));
/** Of edge-2, edge-3, and one that is not heard. */
const [SECOND_BOOT, THIRD_BOOT, UNHEARD_BOOT] = ['00000000000000b0', '00000000000000c0', '00000000000000d0'] as const;

/** edge-1 at work, alone, owner of .20. */
function owner(): LoneNode {
  const node = new LoneNode();
  node.want(BOTH, 20);
  node.begin();
  expect(node.owned()).to.deep.equal([VIP]);
  return node;
}

/** A frame of edge-3, which hears these. */
function third(...heard: readonly string[]) {
  return { bootId: THIRD_BOOT, node: 'edge-3', mac: macOf(3), ...viewOf(1, ...heard) };
}

describe('stepMembership', () => {
  it('owns nothing before it has listened', () => {
    const node = new LoneNode();
    node.want(BOTH, 20);
    node.pass(245);
    expect(node.owned()).to.deep.equal([]);
    // A node that has just come asks before it takes anything.
    node.pass(40);
    expect(node.owned()).to.deep.equal([]);
    node.pass(10);
    expect(node.changes()).to.deep.equal([`answer ${VIP} new`]);
  });

  it('leaves a VIP to the peer that owned it before this node came', () => {
    const node = new LoneNode();
    node.want(BOTH, 20);
    node.begin(claimsOf(1, [20, 1]));
    expect(node.owned()).to.deep.equal([]);
  });

  it('listens on while the claims of a peer are missing', () => {
    const node = new LoneNode();
    node.want(BOTH, 20);
    node.begin({ claims: undefined, claimCount: 1 });
    expect(node.state.phase).to.equal('listening');
    node.pass(25, claimsOf(1));
    expect(node.state.phase).to.equal('active');
  });

  it('does not change the state that it is given', () => {
    const node = owner();
    const before = node.state;
    const copy = { claims: [...before.claims.keys()], members: before.members.length };
    node.hear(claimsOf(1, [20, 9]));
    expect({ claims: [...before.claims.keys()], members: before.members.length }).to.deep.equal(copy);
  });

  it('HO-24: stops all answers first when time passed unnoticed, and owns again only after it has listened', () => {
    const node = owner();
    node.nowMs += 60_000;
    expect(node.give({ type: 'tick' })[0]).to.deep.equal({ type: 'stop-all', cause: 'was-away' });
    expect(node.owned()).to.deep.equal([]);
    node.pass(200, claimsOf(1, [20, 2]));
    node.take();
    node.pass(600, claimsOf(1, [20, 2]));
    expect(node.changes()).to.deep.equal([]);
  });

  it('HO-24: stops first whatever the event is', () => {
    const node = owner();
    node.nowMs += 60_000;
    expect(node.hear({})[0]).to.deep.equal({ type: 'stop-all', cause: 'was-away' });
  });

  it('HO-24: takes up again what nobody took', () => {
    const node = owner();
    node.nowMs += 60_000;
    node.give({ type: 'tick' });
    node.pass(245);
    expect(node.owned()).to.deep.equal([]);
    node.pass(10);
    expect(node.owned()).to.deep.equal([VIP]);
  });

  it('takes a clock that runs backwards for an absence', () => {
    const node = owner();
    node.nowMs -= 1;
    expect(node.give({ type: 'tick' })[0]).to.deep.equal({ type: 'stop-all', cause: 'was-away' });
  });

  it('stops all answers when its heartbeats did not go out in time', () => {
    const node = owner();
    node.give({ type: 'lapsed' });
    expect(node.changes()).to.deep.equal(['stop-all lapsed']);
    expect(node.state.phase).to.equal('listening');
  });

  it('FO-06: takes over when the last heartbeat is older than the detection time, although no event came', () => {
    const node = new LoneNode();
    node.want(BOTH, 20);
    node.begin(claimsOf(1, [20, 4]));
    node.pass(195);
    expect(node.owned()).to.deep.equal([]);
    node.pass(5);
    expect(node.changes()).to.deep.equal([`answer ${VIP} orphaned`]);
    expect(node.state.claims.get(VIP)?.term).to.equal(5);
  });

  it('FO-06: moves nothing while membership is unchanged', () => {
    const node = new LoneNode();
    node.want(BOTH, 20, 21, 22, 23);
    const peer = claimsOf(1, [20, 1], [22, 1]);
    node.begin(peer);
    node.take();
    node.pass(3000, peer);
    expect(node.owned()).to.deep.equal([String(vipOf(21)), String(vipOf(23))]);
    expect(node.changes()).to.deep.equal([]);
  });

  it('declares nobody dead when it was late itself, until the frames that waited are read', () => {
    const node = new LoneNode();
    node.want(BOTH, 20);
    node.begin(claimsOf(1, [20, 4]));
    node.nowMs += 300;
    node.give({ type: 'tick' });
    node.hear(claimsOf(1, [20, 4]));
    node.pass(25, claimsOf(1, [20, 4]));
    expect(node.changes()).to.deep.equal([]);
  });

  it('takes over at once when the owner says goodbye', () => {
    const node = new LoneNode();
    node.want(BOTH, 20);
    node.begin(claimsOf(1, [20, 4]));
    node.hear({ phase: 'gone' });
    node.give({ type: 'tick' });
    expect(node.changes()).to.deep.equal([`answer ${VIP} orphaned`]);
  });

  it('takes over at once when the owner says goodbye, though the list of another names it for a moment longer', () => {
    const node = new LoneNode();
    node.want(BOTH, 20);
    node.pass(400, claimsOf(1, [20, 4]), third(OWN_BOOT, SECOND_BOOT));
    node.take();
    node.hear({ phase: 'gone' });
    node.give({ type: 'tick' });
    expect(node.changes()).to.deep.equal([`answer ${VIP} orphaned`]);
  });

  it('BL-10: asks for what is new while a node that it hears hears one that it does not', () => {
    const begun = (...heard: string[]) => {
      const node = new LoneNode();
      node.pass(5_000, third(...heard));
      node.take();
      node.want(BOTH.slice(0, 1), 20);
      node.give({ type: 'tick' });
      return node;
    };
    expect(begun(OWN_BOOT).owned(), 'all are heard').to.deep.equal([VIP]);
    const node = begun(OWN_BOOT, UNHEARD_BOOT);
    expect(node.owned()).to.deep.equal([]);
    expect(node.take().filter(({ type }) => type === 'question')).to.have.length(1);
    node.pass(200, third(OWN_BOOT, UNHEARD_BOOT));
    expect(node.owned(), 'no one answered').to.deep.equal([VIP]);
  });

  it('stops at once when it hears a better claim', () => {
    const node = owner();
    node.hear(claimsOf(1, [20, 2]));
    expect(node.changes()).to.deep.equal([`stop ${VIP} better-claim`]);
  });

  it('keeps the VIP and announces it again when it hears a worse claim', () => {
    const node = new LoneNode();
    node.want(BOTH, 20);
    node.begin(claimsOf(1, [20, 4]));
    node.pass(200);
    node.take();
    node.hear(claimsOf(1, [20, 4]));
    expect(node.changes()).to.deep.equal([`announce ${VIP}`]);
  });

  it('announces what it owns once more when a node comes back that was at work meanwhile', () => {
    const node = owner();
    node.hear(claimsOf(1));
    node.nowMs += 1;
    node.give({ type: 'tick' });
    expect(node.changes()).to.deep.equal([`announce ${VIP}`]);
    node.pass(100, claimsOf(1));
    expect(node.changes()).to.deep.equal([]);
  });

  it('does not announce again for a node that starts', () => {
    const node = owner();
    node.pass(100, { ...claimsOf(1), phase: 'listening' });
    expect(node.changes()).to.deep.equal([]);
  });

  it('settles equal terms by rendezvous order', () => {
    // .20 goes to edge-2 before edge-1, .21 the other way round (EL-01).
    const node = new LoneNode();
    node.want(BOTH, 20, 21);
    node.begin();
    node.hear(claimsOf(1, [20, 1], [21, 1]));
    expect(node.changes()).to.deep.equal([`announce ${vipOf(21)}`, `stop ${VIP} better-claim`]);
    node.give({ type: 'tick' });
    expect(node.changes()).to.deep.equal([`announce ${vipOf(21)}`]);
  });

  it('tells whoever appears what it owns, within the same tick', () => {
    const node = owner();
    node.pass(100);
    node.take();
    node.hear({});
    node.give({ type: 'tick' });
    expect(node.sent()[0]?.claims?.entries.map(({ vip }) => String(vip))).to.deep.equal([VIP]);
  });

  it('stops what the cluster does not want any more', () => {
    const node = owner();
    node.want(BOTH);
    node.give({ type: 'tick' });
    expect(node.changes()).to.deep.equal([`stop ${VIP} not-wanted`]);
  });

  it('stops what neither it nor anybody else may own', () => {
    const node = owner();
    node.want([], 20);
    node.give({ type: 'tick' });
    expect(node.changes()).to.deep.equal([`stop ${VIP} no-candidate`]);
  });

  it('takes what the node whose turn it was left lying, after a while', () => {
    const node = new LoneNode();
    node.want(BOTH, 20);
    node.begin(claimsOf(1, [20, 4]));
    // edge-2 has less load than edge-1 and is to take .20 back, but does not.
    node.want(BOTH, 20, 30, 31);
    node.pass(50, claimsOf(2));
    node.take();
    node.pass(400, claimsOf(2));
    expect(node.owned()).to.include(VIP);
  });

  it('takes nothing that it may not own, however long it is left lying', () => {
    const node = new LoneNode();
    node.want(['edge-2', 'edge-3'], 20);
    node.begin(claimsOf(1));
    node.pass(3000, claimsOf(1));
    expect(node.changes()).to.deep.equal([]);
  });

  it('asks for lists that it lacks, and sends its own to who asks', () => {
    const node = owner();
    node.pass(30, { claimsVersion: 5, claims: undefined });
    const wants = node.sent().flatMap((body) => body.wants ?? []);
    expect(wants).to.include(heartbeatOf().bootId);
    node.pass(100, claimsOf(5));
    node.take();
    node.hear({ ...claimsOf(5), wants: [OWN_BOOT] });
    node.give({ type: 'tick' });
    expect(node.sent().some((body) => body.claims !== undefined)).to.equal(true);
  });
});

describe('one-way hearing', () => {
  const DEAF = viewOf(1, '00000000000000c0');

  it('is reported when a peer has not heard us for long, and when it does again', () => {
    const node = owner();
    // It shows that it is alive by being heard for long, since it cannot name this node.
    node.pass(450, { ...claimsOf(1), ...DEAF });
    expect(node.reports()).to.include('member-heard').and.not.to.include('one-way');
    node.pass(450, { ...claimsOf(1), ...DEAF });
    expect(node.reports()).to.include('one-way');
    node.pass(25, { ...claimsOf(1), ...viewOf(2, OWN_BOOT) });
    expect(node.reports()).to.include('one-way');
  });

  it('makes the node that hears yield, even to a lower term', () => {
    const node = new LoneNode();
    node.want(BOTH, 20);
    node.begin(claimsOf(1, [20, 8]));
    node.pass(200);
    expect(node.state.claims.get(VIP)?.term).to.equal(9);
    node.take();
    const deaf = { ...claimsOf(2, [20, 1]), ...DEAF };
    node.pass(375, deaf);
    expect(node.owned()).to.deep.equal([VIP]);
    node.pass(100, deaf);
    expect(node.owned()).to.deep.equal([]);
  });

  it('lets the peer that does not hear us go first', () => {
    const node = new LoneNode();
    node.want(BOTH, 20, 21, 22, 23);
    const deaf = { ...claimsOf(1, [20, 1], [21, 1], [22, 1], [23, 1]), ...DEAF };
    node.begin(deaf);
    node.pass(600, deaf);
    // edge-2 gives two of them up: at equal loads edge-1 would take one at once.
    node.pass(150, { ...claimsOf(2, [22, 1], [23, 1]), ...DEAF });
    expect(node.owned()).to.deep.equal([]);
  });
});

describe('suspicion', () => {
  it('asks about a member that is silent for half its time', () => {
    const node = new LoneNode();
    node.begin({});
    node.pass(90);
    expect(node.state.beat?.suspects).to.deep.equal([]);
    node.pass(15);
    expect(node.state.beat?.suspects?.map((one) => one.bootId)).to.deep.equal([heartbeatOf().bootId]);
  });

  it('sends a heartbeat out of turn when it is suspected itself', () => {
    const node = new LoneNode();
    node.begin({});
    const actions = node.hear({ suspects: [{ bootId: OWN_BOOT, counter: 3 }] });
    expect(actions.map((action) => action.type)).to.deep.equal(['send']);
  });

  it('vouches for whom it hears when somebody else does not', () => {
    const node = new LoneNode();
    const third = { bootId: '00000000000000c0', node: 'edge-3' };
    node.begin({}, third);
    const heard = node.state.members.find((member) => member.bootId === third.bootId)?.counter ?? 0;
    node.hear({ suspects: [{ bootId: third.bootId, counter: heard - 1 }] });
    node.give({ type: 'tick' });
    expect(node.state.beat?.vouches?.map((one) => one.counter)).to.deep.equal([heard]);
  });

  it('does not vouch with what the other knows already', () => {
    const node = new LoneNode();
    const third = { bootId: '00000000000000c0', node: 'edge-3' };
    node.begin({}, third);
    const heard = node.state.members.find((member) => member.bootId === third.bootId)?.counter ?? 0;
    node.hear({ suspects: [{ bootId: third.bootId, counter: heard }] });
    node.give({ type: 'tick' });
    expect(node.state.beat?.vouches).to.deep.equal([]);
  });

  it('keeps a member that others hear, and counts old news of it only once', () => {
    const node = new LoneNode();
    const third = { bootId: '00000000000000c0', node: 'edge-3' };
    node.begin({}, third);
    const vouches = [{ bootId: third.bootId, counter: 1000, ageMs: 10 }];
    node.pass(150, {});
    node.pass(150, { vouches });
    expect(node.state.members).to.have.length(2);
    node.pass(100, { vouches });
    expect(node.state.members).to.have.length(1);
  });
});
