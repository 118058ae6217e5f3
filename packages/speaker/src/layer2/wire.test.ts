// SPDX-License-Identifier: Apache-2.0
import type { AnsweredRow, Attachment, AttachmentState, Shortfall } from '@berth/link';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ip, mac } from '../testing.ts';
import type { Segment } from './segments.ts';
import { type OwnedVip, Wire } from './wire.ts';

/** Writes down the calls, in their order. */
class FakePort {
  readonly attached: number[] = [];
  /** What became of an attachment; in place where nothing is said. */
  readonly states = new Map<number, AttachmentState>();
  /** Interfaces on which the thread stands in. */
  readonly standIns = new Set<number>();
  shortfall: Shortfall | undefined;
  readonly #name: string;
  readonly #calls: string[];
  failing = new Set<number>();

  constructor(name: string, calls: string[]) {
    this.#name = name;
    this.#calls = calls;
  }

  attach(ifindex: number): Attachment {
    if (this.failing.has(ifindex)) throw new Error('bind: ENODEV');
    if (!this.attached.includes(ifindex)) this.#calls.push(`${this.#name} attach ${ifindex}`);
    this.attached.push(ifindex);
    const refusal = { code: 'EINVAL', detail: 'rtnetlink(RTM_NEWTFILTER): EINVAL' };
    return this.standIns.has(ifindex) ? { by: 'thread', refusal } : { by: 'engine', refusal: undefined };
  }

  attachAgain(ifindex: number): Attachment {
    this.attached.splice(this.attached.indexOf(ifindex), 1);
    this.states.delete(ifindex);
    return this.attach(ifindex);
  }

  look(ifindex: number): AttachmentState {
    return this.states.get(ifindex) ?? 'in-place';
  }

  detach(ifindex: number): void {
    this.attached.splice(this.attached.indexOf(ifindex), 1);
    this.#calls.push(`${this.#name} detach ${ifindex}`);
  }

  replace(rows: readonly AnsweredRow[]): void {
    this.#calls.push(
      `${this.#name} ${rows.map(({ vip, ifindexes }) => `${vip}@${ifindexes.join('+')}`).join(' ') || 'nothing'}`,
    );
  }
}

const LAN0: Segment = { ifindex: 4, ifname: 'lan0', mac: mac(4), families: ['IPv4', 'IPv6'] };
const LAN1: Segment = { ifindex: 5, ifname: 'lan1', mac: mac(5), families: ['IPv4'] };

function owned(interfaces = ['lan0', 'lan1']): OwnedVip {
  return { vip: ip('203.0.113.20'), services: ['shop/web'], interfaces };
}

describe('Wire', () => {
  let calls: string[];
  let answerer: FakePort;
  let wire: Wire;
  let news: string[];
  let clock: FakeClock;

  beforeEach(() => {
    calls = [];
    news = [];
    clock = new FakeClock();
    answerer = new FakePort('answer', calls);
    const announcer = new FakePort('announce', calls);
    const groups = new FakePort('join', calls);
    wire = new Wire({ answerer, groups, announcer, clock });
    wire.news.subscribe(({ ifname }, { kind }) => news.push(`${ifname} ${kind}`));
  });

  it('answers before it announces', () => {
    const served = wire.apply([LAN0], [owned()]);
    expect(calls).to.deep.equal([
      'answer 203.0.113.20@4',
      'answer attach 4',
      'join attach 4',
      'join 203.0.113.20@4',
      'announce 203.0.113.20@4',
      'announce attach 4',
    ]);
    expect(served.map(({ interfaces }) => interfaces)).to.deep.equal([['lan0']]);
  });

  it('GR-04: announces exactly what it answers for, so what placement gives to this node and nothing else', () => {
    const vips = ['203.0.113.20', '203.0.113.21', '2001:db8:5::7'].map((text) => ({ ...owned(), vip: ip(text) }));
    for (const rows of [vips, vips.slice(1), [], vips.slice(0, 1)]) {
      calls.length = 0;
      wire.apply([LAN0, LAN1], rows);
      const rowsOf = (port: string) => calls.find((call) => call.startsWith(`${port} `))?.slice(port.length);
      expect(rowsOf('announce')).to.equal(rowsOf('answer'));
    }
  });

  it('answers on the interfaces of the policy only', () => {
    const [served] = wire.apply([LAN0, LAN1], [owned(['lan1', 'nosuch0'])]);
    expect(calls[0]).to.equal('answer 203.0.113.20@5');
    expect(served?.interfaces).to.deep.equal(['lan1']);
  });

  it('answers an IPv6 VIP only where IPv6 is spoken', () => {
    const vip = ip('2001:db8:5::7');
    const [served] = wire.apply([LAN0, LAN1], [{ vip, services: ['shop/web'], interfaces: ['lan0', 'lan1'] }]);
    expect(calls[0]).to.equal('answer 2001:db8:5::7@4');
    expect(served?.interfaces).to.deep.equal(['lan0']);
  });

  it('leaves a segment that is gone before anything else', () => {
    wire.apply([LAN0, LAN1], [owned()]);
    calls.length = 0;
    wire.apply([LAN1], [owned()]);
    expect(calls.slice(0, 3)).to.deep.equal(['answer detach 4', 'join detach 4', 'announce detach 4']);
  });

  it('opens a segment anew when its MAC changed', () => {
    wire.apply([LAN0], [owned()]);
    calls.length = 0;
    wire.apply([{ ...LAN0, mac: mac(9) }], [owned()]);
    expect(calls).to.include.members(['answer detach 4', 'answer attach 4', 'announce attach 4']);
  });

  it('goes on without an interface that cannot be opened, and tries it again', () => {
    answerer.failing.add(4);
    const [served] = wire.apply([LAN0, LAN1], [owned()]);
    expect(served?.interfaces).to.deep.equal(['lan1']);
    wire.apply([LAN0, LAN1], [owned()]);
    expect(news).to.deep.equal(['lan0 not-attached']);
    answerer.failing.clear();
    expect(wire.apply([LAN0, LAN1], [owned()])[0]?.interfaces).to.deep.equal(['lan0', 'lan1']);
  });

  it('silences everything at once', () => {
    wire.apply([LAN0], [owned()]);
    calls.length = 0;
    wire.silence();
    expect(calls).to.deep.equal(['answer nothing', 'join nothing', 'announce nothing']);
  });

  it('AT-06: gives the answerer all VIPs of Berth, those of others with no interface, and keeps them when it falls silent', () => {
    const vips = ['203.0.113.20', '203.0.113.21', '2001:db8:5::7'].map(ip);
    wire.apply([LAN0], [owned()], vips);
    expect(calls[0]).to.equal('answer 203.0.113.20@4 203.0.113.21@ 2001:db8:5::7@');
    expect(calls).to.include.members(['join 203.0.113.20@4', 'announce 203.0.113.20@4']);
    wire.silence();
    expect(calls).to.include('answer 203.0.113.20@ 203.0.113.21@ 2001:db8:5::7@');
  });

  it('AT-03: attaches again what somebody took off, and says so', () => {
    wire.apply([LAN0], [owned()]);
    answerer.states.set(4, 'gone');
    expect(wire.check()).to.equal(false);
    expect(news).to.deep.equal(['lan0 taken-off']);
    expect(wire.answerOf(LAN0)).to.equal('engine');
  });

  it('AT-08: leaves a segment on which it cannot attach again', () => {
    wire.apply([LAN0, LAN1], [owned()]);
    answerer.states.set(4, 'gone');
    answerer.failing.add(4);
    calls.length = 0;
    expect(wire.check()).to.equal(true);
    expect(news).to.deep.equal(['lan0 taken-off', 'lan0 not-attached']);
    expect(calls).to.deep.equal(['answer detach 4', 'join detach 4', 'announce detach 4']);
    expect(wire.segments).to.deep.equal([LAN1]);
    expect(wire.answerOf(LAN0)).to.equal(undefined);
  });

  it('AT-02: goes first again three times in ten minutes, then says that it is behind, and is first again when the other has gone', () => {
    wire.apply([LAN0], [owned()]);
    for (const expected of ['engine', 'engine', 'engine', 'behind', 'behind']) {
      answerer.states.set(4, 'behind');
      expect(wire.check()).to.equal(false);
      expect(wire.answerOf(LAN0)).to.equal(expected);
    }
    expect(news).to.deep.equal(['lan0 overtaken', 'lan0 overtaken', 'lan0 overtaken', 'lan0 behind']);
    answerer.states.delete(4);
    wire.check();
    expect(wire.answerOf(LAN0)).to.equal('engine');
    clock.pass(600_000);
    answerer.states.set(4, 'behind');
    wire.check();
    expect(news.at(-1)).to.equal('lan0 overtaken');
  });

  it('AT-04: says once that the thread stands in, tries the program again after a minute, and says when it answers', () => {
    answerer.standIns.add(4);
    wire.apply([LAN0], [owned()]);
    expect(wire.answerOf(LAN0)).to.equal('thread');
    clock.pass(60_000);
    wire.check();
    expect(news).to.deep.equal(['lan0 stand-in']);
    answerer.standIns.clear();
    clock.pass(59_999);
    wire.check();
    expect(wire.answerOf(LAN0)).to.equal('thread');
    clock.pass(1);
    wire.check();
    expect(wire.answerOf(LAN0)).to.equal('engine');
    expect(news).to.deep.equal(['lan0 stand-in', 'lan0 attached']);
  });

  it('AT-05: does not say that it serves what the table has no room for', () => {
    answerer.shortfall = { missing: [ip('203.0.113.20')], error: new Error('E2BIG') };
    const [served] = wire.apply([LAN0], [owned()]);
    expect(served?.interfaces).to.deep.equal([]);
    answerer.shortfall = undefined;
    expect(wire.apply([LAN0], [owned()])[0]?.interfaces).to.deep.equal(['lan0']);
  });
});
