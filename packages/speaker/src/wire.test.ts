// SPDX-License-Identifier: Apache-2.0
import type { AnsweredRow } from '@berth/link';
import { expect } from 'chai';
import type { Segment } from './segments.ts';
import { ip, mac } from './testing.ts';
import { type OwnedVip, Wire } from './wire.ts';

/** Writes down the calls, in their order. */
class FakePort {
  readonly attached: number[] = [];
  readonly #name: string;
  readonly #calls: string[];
  failing = new Set<number>();

  constructor(name: string, calls: string[]) {
    this.#name = name;
    this.#calls = calls;
  }

  attach(ifindex: number): void {
    if (this.failing.has(ifindex)) throw new Error('bind: ENODEV');
    if (!this.attached.includes(ifindex)) this.#calls.push(`${this.#name} attach ${ifindex}`);
    this.attached.push(ifindex);
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
  let failures: string[];

  beforeEach(() => {
    calls = [];
    failures = [];
    answerer = new FakePort('answer', calls);
    const announcer = new FakePort('announce', calls);
    const groups = new FakePort('join', calls);
    wire = new Wire({ answerer, groups, announcer, onAttachFailed: ({ ifname }) => failures.push(ifname) });
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
    expect(failures).to.deep.equal(['lan0']);
    answerer.failing.clear();
    expect(wire.apply([LAN0, LAN1], [owned()])[0]?.interfaces).to.deep.equal(['lan0', 'lan1']);
  });

  it('silences everything at once', () => {
    wire.apply([LAN0], [owned()]);
    calls.length = 0;
    wire.silence();
    expect(calls).to.deep.equal(['answer nothing', 'join nothing', 'announce nothing']);
  });
});
