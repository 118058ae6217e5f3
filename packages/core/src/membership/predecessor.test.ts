// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { Succession } from './event.ts';
import { claimsOf, LoneNode, OWN_BOOT, vipOf } from './testing.ts';

const BOTH = ['edge-1', 'edge-2'];

/** edge-1, where edge-2 owns .20. */
function beside(options?: ConstructorParameters<typeof LoneNode>[0]): LoneNode {
  const node = new LoneNode(options);
  node.want(BOTH, 20);
  node.begin(claimsOf(1, [20, 6]));
  return node;
}

function successionsIn(node: LoneNode): (Succession | undefined)[] {
  return node.take().flatMap((action) => (action.type === 'answer' ? [action.after] : []));
}

/** Passes time until it takes something, and tells how long that was. */
function passUntilTaken(
  node: LoneNode,
  atMostMs = 2000,
): { readonly passedMs: number; readonly taken: (Succession | undefined)[] } {
  for (let passedMs = 5; passedMs <= atMostMs; passedMs += 5) {
    node.pass(5);
    const taken = successionsIn(node);
    if (taken.length > 0) return { passedMs, taken };
  }
  throw new Error('nothing was taken');
}

describe('whom a VIP is taken over from', () => {
  it('HI-01: a node that fell silent, and the time from its last heartbeat on', () => {
    const node = beside();
    const { passedMs, taken } = passUntilTaken(node);
    expect(taken).to.deep.equal([{ from: 'edge-2', cause: 'silent', unansweredMs: passedMs }]);
    expect(passedMs).to.be.within(200, 300);
  });

  it('HI-01: a silent node that was answering for a while, from its last answer on', () => {
    const node = beside();
    node.answering.set(String(vipOf(20)), heardMac());
    node.pass(1000);
    expect(successionsIn(node)).to.deep.equal([]);
    node.answering.clear();
    const { passedMs, taken } = passUntilTaken(node);
    const [told] = taken;
    expect(told).to.include({ from: 'edge-2', cause: 'silent' });
    expect(told?.unansweredMs).to.be.within(passedMs, passedMs + 100);
  });

  it('HI-01: a node that said goodbye', () => {
    const node = beside();
    node.hear({ phase: 'gone', ...claimsOf(2) });
    const { taken, passedMs } = passUntilTaken(node);
    expect(taken).to.deep.equal([{ from: 'edge-2', cause: 'left', unansweredMs: passedMs }]);
  });

  it('HI-01: a node that is heard and claims it no longer', () => {
    const node = beside();
    node.hear(claimsOf(2));
    for (let passedMs = 5; passedMs < 1000; passedMs += 5) node.pass(5, claimsOf(2));
    node.pass(1000, claimsOf(2));
    const [told] = successionsIn(node);
    expect(told).to.include({ from: 'edge-2', cause: 'gave-up' });
  });

  it('HI-01: itself, when it fell silent for a moment', () => {
    const node = new LoneNode();
    node.want(['edge-1'], 21);
    node.begin(claimsOf(1));
    node.pass(1500, claimsOf(1));
    node.take();
    node.give({ type: 'lapsed' });
    node.pass(500, claimsOf(1));
    const [told] = successionsIn(node);
    expect(told).to.include({ from: 'edge-1', cause: 'lapsed' });
    expect(told?.unansweredMs).to.be.within(200, 500);
  });

  const offers: {
    name: string;
    frame: Parameters<LoneNode['hear']>[0];
    nodes?: string[];
    rebalance?: 'gradual';
    cause: Succession['cause'];
  }[] = [
    { name: 'leaves', frame: { phase: 'leaving' }, cause: 'leaving' },
    { name: 'is not well', frame: { fitness: 'unfit' }, cause: 'unfit' },
    { name: 'may not own it any more', frame: {}, nodes: ['edge-1'], cause: 'not-eligible' },
    { name: 'evens loads out', frame: {}, rebalance: 'gradual', cause: 'rebalance' },
    { name: 'does not tell why', frame: {}, cause: 'handed-over' },
  ];
  for (const { name, frame, nodes = BOTH, rebalance, cause } of offers)
    it(`HI-01: an owner that ${name} and offers it, without a gap`, () => {
      const node = beside(rebalance && { rebalance });
      node.want(nodes, 20);
      node.hear({ ...claimsOf(1, [20, 6]), ...frame, offers: [{ to: OWN_BOOT, vip: vipOf(20), term: 6 }] });
      node.give({ type: 'tick' });
      expect(successionsIn(node)).to.deep.equal([{ from: 'edge-2', cause, unansweredMs: 0 }]);
    });

  it('HI-01: nobody, where nobody is known to have had it', () => {
    const node = new LoneNode();
    node.want(BOTH, 21);
    node.begin(claimsOf(1));
    node.want(['edge-1'], 21, 23);
    node.pass(1000, claimsOf(1));
    expect(successionsIn(node)).to.deep.equal([undefined]);
  });

  it('forgets what nobody wants any more', () => {
    const node = beside();
    node.hear({ phase: 'gone', ...claimsOf(2) });
    expect([...node.state.predecessors.keys()]).to.deep.equal([String(vipOf(20))]);
    node.want(BOTH, 21);
    expect([...node.state.predecessors.keys()]).to.deep.equal([]);
  });
});

function heardMac() {
  const node = beside();
  const [member] = node.state.members;
  if (member === undefined) throw new Error('no member');
  return member.mac;
}
