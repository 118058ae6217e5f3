// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { Heartbeat } from '../wire/heartbeat.ts';
import { MAX_LEAP, MAX_MEMBERS, senderProblem } from './identity.ts';
import { MAX_STRANGERS } from './stranger.ts';
import { claimsOf, heartbeatOf, LoneNode, macOf, OWN_BOOT, viewOf, vipOf } from './testing.ts';

const LOW_BOOT = '0000000000000001';
const HIGH_BOOT = '00000000000000ff';
const VIP = String(vipOf(20));

function dropOf(node: LoneNode, peer: Partial<Heartbeat>): string | undefined {
  const [first] = node.hear(peer).filter((action) => action.type === 'drop');
  return first?.reason;
}

function owner(): LoneNode {
  const node = new LoneNode();
  node.want(['edge-1', 'edge-2'], 20);
  node.begin();
  return node;
}

describe('identity of frames', () => {
  const own = { bootId: OWN_BOOT, node: 'edge-1' };

  it('drops its own frame when the network reflects it', () => {
    const node = owner();
    expect(dropOf(node, { ...own, mac: macOf(1) })).to.equal('own-frame');
    expect(node.owned()).to.deep.equal([VIP]);
  });

  it('FO-06: drops a frame that was heard before, and older ones', () => {
    const node = owner();
    node.hear({ counter: 7 });
    expect([7, 6, 1].map((counter) => dropOf(node, { counter }))).to.deep.equal(['replayed', 'replayed', 'replayed']);
    expect(dropOf(node, { counter: 8 })).to.equal(undefined);
  });

  it('drops old frames of a member that is gone', () => {
    const node = owner();
    node.hear({ counter: 7 });
    node.pass(300);
    expect(node.state.members).to.deep.equal([]);
    expect(dropOf(node, { counter: 7 })).to.equal('replayed');
  });

  it('drops a frame from the future, so that the genuine sender is not shut out', () => {
    const node = owner();
    node.hear({ counter: 7 });
    expect(dropOf(node, { counter: 8 + MAX_LEAP })).to.equal('from-the-future');
    expect(dropOf(node, { counter: 8 })).to.equal(undefined);
  });

  it('stops and reports when a copy of it is on the segment', () => {
    const node = owner();
    expect(dropOf(node, { ...own, mac: macOf(9) })).to.equal('cloned-node');
    expect(node.changes()).to.deep.equal(['stop-all cloned-node']);
  });

  it('tells a copy of a peer from the peer', () => {
    const node = owner();
    node.hear({ counter: 7 });
    expect(dropOf(node, { counter: 8, mac: macOf(9) })).to.equal('cloned-node');
    expect(node.reports()).to.include('cloned-node');
  });

  it('takes a new MAC address of a peer that was silent meanwhile', () => {
    const node = owner();
    node.hear({ counter: 7 });
    node.pass(300);
    expect(dropOf(node, { counter: 8, mac: macOf(9) })).to.equal(undefined);
  });

  it('gives way, as a newcomer, to a node with its name, for as long as that is heard', () => {
    const node = new LoneNode();
    node.want(['edge-1'], 20);
    node.pass(1000, { bootId: LOW_BOOT, node: 'edge-1' });
    expect(node.reports().filter((kind) => kind === 'duplicate-name')).to.have.length(1);
    expect(node.owned()).to.deep.equal([]);
    node.pass(450);
    expect(node.owned()).to.deep.equal([VIP]);
  });

  it('stays at work when a newcomer has its name', () => {
    const node = owner();
    expect(dropOf(node, { bootId: HIGH_BOOT, node: 'edge-1', phase: 'listening' })).to.equal('duplicate-name');
    expect(node.owned()).to.deep.equal([VIP]);
  });

  it('yields with the lower boot id when both are at work', () => {
    const node = owner();
    node.hear({ bootId: LOW_BOOT, node: 'edge-1' });
    expect(node.owned()).to.deep.equal([VIP]);
    node.hear({ bootId: HIGH_BOOT, node: 'edge-1' });
    expect(node.changes()).to.deep.equal(['stop-all duplicate-name']);
  });

  it('reports two other nodes with one name once', () => {
    const node = owner();
    node.pass(1000, { bootId: LOW_BOOT, mac: macOf(3) }, { bootId: HIGH_BOOT, mac: macOf(4) });
    expect(node.reports().filter((kind) => kind === 'duplicate-name')).to.have.length(1);
  });

  it('does not take a restarted peer for two', () => {
    const node = owner();
    node.pass(100, { bootId: LOW_BOOT });
    node.pass(1000, { bootId: HIGH_BOOT });
    expect(node.reports()).not.to.include('duplicate-name');
  });

  it('leaves a segment to its own interface with the lower number', () => {
    const node = owner();
    node.hear({ ...own, port: 3, mac: macOf(3) });
    expect(node.owned()).to.deep.equal([VIP]);
    node.hear({ ...own, port: 1, mac: macOf(3) });
    expect(node.changes()).to.deep.equal(['stop-all same-segment']);
  });

  it('counts the first interface of a peer only', () => {
    const node = owner();
    node.hear({ port: 2 });
    expect(dropOf(node, { port: 3, mac: macOf(3) })).to.equal('other-port');
    expect(node.state.members).to.have.length(1);
  });

  it('knows no more members than it has room for', () => {
    const node = owner();
    for (let number = 0; number < MAX_MEMBERS + 5; number++)
      node.hear({ bootId: `1${number.toString(16).padStart(15, '0')}`, node: `n-${number}`, ...claimsOf(1) });
    expect(node.state.members).to.have.length(MAX_MEMBERS);
    expect(dropOf(node, { bootId: 'ffffffffffffffff', node: 'late' })).to.equal('too-many-members');
  });

  it('RP-06: accepts a long-lived node at once, whatever its counter, and after any absence', () => {
    const node = owner();
    expect(dropOf(node, { counter: 100 * MAX_LEAP })).to.equal(undefined);
    node.pass(300);
    expect(dropOf(node, { counter: 300 * MAX_LEAP })).to.equal(undefined);
  });
});

describe('recorded frames', () => {
  const DEAF = viewOf(1, '00000000000000c0');
  /** What somebody recorded before this process was started: it cannot name this boot. */
  const recorded = { bootId: HIGH_BOOT, counter: 7, ...claimsOf(1, [20, 99]), ...DEAF };

  it('RP-01: one frame of a node that is gone, repeated for ever, makes no member and takes nothing', () => {
    const node = owner();
    for (let round = 0; round < 100; round++) {
      expect(dropOf(node, recorded)).to.be.oneOf(['unproven', 'replayed']);
      node.pass(10);
    }
    expect(node.state.members).to.deep.equal([]);
    expect(node.owned()).to.deep.equal([VIP]);
    expect(node.changes()).to.deep.equal([]);
  });

  it('RP-02: a frame of an earlier boot of this node neither delays nor stops it, however often it comes', () => {
    const node = new LoneNode();
    node.want(['edge-1'], 20);
    for (let passed = 0; passed < 300; passed += 5) {
      node.pass(5);
      node.hear({ ...recorded, node: 'edge-1' });
    }
    expect(node.owned()).to.deep.equal([VIP]);
    node.pass(1000, { ...recorded, node: 'edge-1' });
    expect(node.owned()).to.deep.equal([VIP]);
    expect(node.reports()).not.to.include('duplicate-name');
  });

  it('RP-02: a living node with its name is named, so that it can show that it lives, and then counts', () => {
    const node = new LoneNode();
    node.want(['edge-1'], 20);
    expect(dropOf(node, { bootId: LOW_BOOT, node: 'edge-1', ...DEAF })).to.equal('unproven');
    expect(node.sent().flatMap(({ wants }) => wants ?? [])).to.deep.equal([LOW_BOOT]);
    expect(dropOf(node, { bootId: LOW_BOOT, node: 'edge-1', ...DEAF, wants: [OWN_BOOT] })).to.equal('duplicate-name');
    expect(node.reports()).to.include('duplicate-name');
  });

  it('RP-03: two nodes that never met know each other after a frame in each direction', () => {
    const node = owner();
    expect(dropOf(node, { bootId: LOW_BOOT, ...DEAF })).to.equal('unproven');
    expect(node.sent().flatMap(({ wants }) => wants ?? [])).to.deep.equal([LOW_BOOT]);
    expect(dropOf(node, { bootId: LOW_BOOT, ...DEAF, wants: [OWN_BOOT] })).to.equal(undefined);
    expect(node.state.members).to.have.length(1);
  });

  it('RP-03: a node that a member says to hear is alive', () => {
    const node = owner();
    node.hear({ ...viewOf(1, OWN_BOOT, LOW_BOOT) });
    expect(dropOf(node, { bootId: LOW_BOOT, node: 'edge-3', mac: macOf(3), ...DEAF })).to.equal(undefined);
  });

  it('RP-04: a frame of another segment moves no member, and a member stays known by its first interface', () => {
    const node = owner();
    node.hear({ counter: 7 });
    expect(dropOf(node, { counter: 8, port: 1, mac: macOf(9) })).to.equal('other-port');
    expect(dropOf(node, { counter: 8 })).to.equal(undefined);
    expect(node.state.members.map(({ port }) => port)).to.deep.equal([2]);
  });

  it('RP-04: the lower of two ports in one segment counts once the other has made way', () => {
    const node = owner();
    node.hear({ counter: 7 });
    node.hear({ counter: 8, phase: 'listening' });
    expect(dropOf(node, { counter: 9, port: 1, mac: macOf(9) })).to.equal(undefined);
    expect(dropOf(node, { counter: 10, phase: 'listening' })).to.equal('other-port');
    expect(node.state.members.map(({ port }) => port)).to.deep.equal([1]);
  });

  it('RP-05: keeps a bounded number of senders that may be recorded', () => {
    const node = owner();
    for (let number = 0; number < 1000; number++)
      node.hear({ ...recorded, bootId: `1${number.toString(16).padStart(15, '0')}`, node: `n-${number}` });
    expect(node.state.strangers.size).to.equal(MAX_STRANGERS);
    expect(node.state.members).to.deep.equal([]);
    node.pass(300);
    expect(dropOf(node, { bootId: LOW_BOOT })).to.equal(undefined);
  });
});

describe('senderProblem', () => {
  it('RP-05: sees in the header alone what was heard before, and changes nothing', () => {
    const node = owner();
    node.hear({ counter: 7 });
    const problemOf = (sender: Partial<Heartbeat>) => senderProblem(node.state, heartbeatOf(sender), node.nowMs);
    expect(problemOf({ counter: 7 })).to.equal('replayed');
    expect(problemOf({ counter: 8 })).to.equal(undefined);
    expect(problemOf({ counter: 8, port: 3 })).to.equal('other-port');
    expect(problemOf({ bootId: OWN_BOOT, mac: macOf(1) })).to.equal('own-frame');
    node.pass(300);
    expect(problemOf({ counter: 7 })).to.equal('replayed');
    expect(problemOf({ bootId: LOW_BOOT })).to.equal(undefined);
  });
});
