// SPDX-License-Identifier: Apache-2.0
/**
 * The program that spreads, run by the kernel on frames of ours: what of a packet decides where it goes. Needs root, no
 * interface.
 */
import { fingerprintOf, rowOf } from '@berth/core';
import { expect } from 'chai';
import { FLOW_HASH_VECTORS } from '../../core/src/spread/flow-hash.vectors.ts';
import { buildAddon } from '../build.ts';
import {
  addressOf,
  bytesOf,
  frame,
  ICMP,
  ICMPV6,
  icmp,
  packet,
  SCTP,
  sctp,
  TCP,
  tcp,
  two,
  UDP,
  udp,
} from './support/packet-frames.ts';
import {
  CLIENT,
  CLIENT6,
  LOOPBACK,
  MEMBER_MACS,
  members,
  obstacleToSpreading,
  planOf,
  planOf6,
  ROUTER_MAC,
  rowsBy,
  rowsOf,
  SEED,
  SELF,
  SpreadProgram,
  VIP,
  VIP6,
} from './support/spread-frames.ts';

buildAddon();
const reason = obstacleToSpreading();
const suite = reason === undefined ? describe : describe.skip;

const FLOW = {
  source: addressOf(CLIENT),
  destination: addressOf(VIP),
  sourcePort: 40000,
  destinationPort: 80,
  protocol: TCP,
};
const FLOW6 = { ...FLOW, source: addressOf(CLIENT6), destination: addressOf(VIP6) };
const SYN = tcp(40000, 80, 'SYN');

suite(`the program that spreads${reason === undefined ? '' : ` (cannot be had: ${reason})`}`, () => {
  let program: SpreadProgram;

  beforeEach(() => {
    program = SpreadProgram.open();
    program.tell(rowsOf(2));
  });

  afterEach(() => program.close());

  const strays = (numbers: Readonly<Record<string, number>>) =>
    program.table.setStrays(BigUint64Array.from(Object.keys(numbers), BigInt), Uint8Array.from(Object.values(numbers)));

  describe('which packets', () => {
    const cases = [
      { name: 'a packet of a TCP connection', plan: planOf(), to: 2 },
      { name: 'a SYN', plan: planOf({ payload: SYN }), to: 2 },
      { name: 'UDP', plan: planOf({ protocol: UDP, payload: udp(40000, 80) }), to: 2 },
      { name: 'UDP without data', plan: planOf({ protocol: UDP, payload: udp(40000, 80, 0) }), to: 2 },
      { name: 'SCTP', plan: planOf({ protocol: SCTP, payload: sctp(40000, 80, 'DATA') }), to: 2 },
      { name: 'TCP over IPv6', plan: planOf6(), to: 2 },
      { name: 'UDP over IPv6', plan: planOf6({ protocol: UDP, payload: udp(40000, 80) }), to: 2 },
      { name: 'from behind a router', plan: planOf({ from: ROUTER_MAC, source: '192.0.2.77', hops: 3 }), to: 2 },
      { name: 'with the longest IPv4 options', plan: planOf({ optionBytes: 40 }), to: 2 },
      { name: 'another port of the VIP', plan: planOf({ payload: tcp(40000, 81, 'ACK') }), to: 0 },
      { name: 'another address', plan: planOf({ destination: '203.0.113.21' }), to: 0 },
      { name: 'another IPv6 address', plan: planOf6({ destination: '2001:db8:5::21' }), to: 0 },
      { name: 'another protocol', plan: planOf({ protocol: 47 }), to: 0 },
      { name: 'an echo request', plan: planOf({ protocol: ICMP, payload: icmp(8, new Uint8Array(8)) }), to: 0 },
      {
        name: 'an IPv6 echo request',
        plan: planOf6({ protocol: ICMPV6, payload: icmp(128, new Uint8Array(8)) }),
        to: 0,
      },
      { name: 'for another host, heard by chance', plan: planOf({ to: '00:00:5e:00:53:55' }), to: 0 },
      { name: 'a broadcast', plan: planOf({ to: 'ff:ff:ff:ff:ff:ff' }), to: 0 },
      { name: 'sent on by a member', plan: planOf({ from: MEMBER_MACS[3] ?? '' }), to: 0 },
      { name: 'cut in the TCP header', plan: planOf({ payload: SYN.subarray(0, 13) }), to: 0 },
      { name: 'cut in the ports', plan: planOf({ payload: SYN.subarray(0, 3) }), to: 0 },
    ];
    for (const { name, plan, to } of cases) {
      it(`SP-01: ${to === 0 ? 'leaves here' : 'sends on'}: ${name}`, () => expect(program.place(plan)).to.equal(to));
    }

    // The kernel gives no program a frame without a whole IP header.
    it('SP-01: leaves here a frame that is cut anywhere behind its IP header', () => {
      for (const [whole, header] of [
        [frame(planOf()), 20],
        [frame(planOf6()), 40],
      ] as const) {
        for (let length = 14 + header; length < 14 + header + 14; length++)
          expect(program.run(whole.subarray(0, length)).sent, String(length)).to.equal(false);
      }
    });

    it('SP-01: leaves here an IPv4 header of a wrong version or length', () => {
      for (const first of [0x55, 0x65, 0x44, 0x40]) {
        const bytes = frame(planOf());
        bytes[14] = first;
        expect(program.run(bytes).sent, first.toString(16)).to.equal(false);
      }
    });

    it('SP-01: leaves everything here once its tables have run out', () => {
      program.table.renew(0);
      expect(program.place(planOf())).to.equal(0);
      expect(program.table.counters().stale).to.equal(1);
      program.table.renew(60_000);
      expect(program.place(planOf())).to.equal(2);
    });

    it('SP-01: leaves here what nobody serves, and what somebody without an address serves', () => {
      program.tell(rowsOf(0));
      expect(program.place(planOf())).to.equal(0);
      program.tell(rowsOf(9));
      expect(program.place(planOf())).to.equal(0);
      program.tell(rowsOf(2), 'flow', [3, 4]);
      expect(program.place(planOf())).to.equal(0);
    });

    it('SP-01: leaves here what this node serves', () => {
      program.tell(rowsOf(SELF));
      expect(program.place(planOf())).to.equal(0);
      expect(program.table.counters()).to.include({ served: 1, forwarded: 0 });
    });

    it('SP-01: counts what it sends on, by node', () => {
      program.place(planOf());
      program.tell(rowsOf(3));
      program.place(planOf6());
      program.place(planOf6());
      const { forwarded, forwardedTo } = program.table.counters();
      expect({ forwarded, two: forwardedTo[2], three: forwardedTo[3] }).to.deep.equal({
        forwarded: 3,
        two: 1,
        three: 2,
      });
    });
  });

  describe('which row', () => {
    for (const { name, seed, source, destination, sourcePort, destinationPort, protocol, row } of FLOW_HASH_VECTORS) {
      const name4 = { 6: 'TCP', 17: 'UDP', 132: 'SCTP' }[protocol] as 'TCP' | 'UDP' | 'SCTP' | undefined;
      if (name4 === undefined || destinationPort === 0) continue;
      for (const by of ['flow', 'client'] as const) {
        it(`SP-02: has the row of the vector, by ${by}: ${name}`, () => {
          const payload = { TCP: tcp, UDP: udp, SCTP: sctp }[name4](sourcePort, destinationPort, 'ACK' as never);
          const service = {
            ifindex: LOOPBACK,
            vip: addressOf(destination),
            protocol: name4,
            port: destinationPort,
            by,
          };
          const rows = rowsBy((one) => (one === row[by] ? 3 : 0));
          program.table.replace({ self: SELF, seed, members: members(3), services: [{ ...service, rows }] });
          expect(
            program.place(
              planOf({
                source,
                destination,
                protocol,
                payload: name4 === 'UDP' ? udp(sourcePort, destinationPort) : payload,
              }),
            ),
          ).to.equal(3);
        });
      }
    }

    it('SP-02: has the row that TypeScript says, for many flows and 16,384 rows', () => {
      const targets = Uint8Array.from({ length: 16_384 }, (_, row) => 2 + (row % 3));
      program.tell({ ...rowsOf(0, {}, 16_384), targets });
      for (let sourcePort = 1; sourcePort < 60_000; sourcePort += 97) {
        for (const [plan, flow] of [
          [planOf, FLOW],
          [planOf6, FLOW6],
        ] as const) {
          const wanted = targets[rowOf({ ...flow, sourcePort }, SEED, 'flow', 16_384)];
          expect(program.place(plan({ payload: tcp(sourcePort, 80, 'ACK') })), String(sourcePort)).to.equal(wanted);
        }
      }
    });

    it('SP-02: keeps all flows of a client together where rows go by client', () => {
      const targets = Uint8Array.from({ length: 4096 }, (_, row) => 2 + (row % 3));
      program.tell({ ...rowsOf(0), targets }, 'client');
      const places = Array.from({ length: 200 }, (_, index) =>
        program.place(planOf({ payload: tcp(1000 + index, 80, 'ACK') })),
      );
      expect(new Set(places)).to.have.length(1);
    });

    it('SP-02: sees other rows as soon as they were given, also thousands of sets of them', () => {
      for (let round = 0; round < 600; round++) program.tell(rowsOf(2 + (round % 3)));
      expect(program.place(planOf())).to.equal(2 + (599 % 3));
    });

    it('SP-02: makes room for 500 sets, and says what there is no room for', () => {
      const many = (count: number) =>
        Array.from({ length: count }, (_, index) => ({
          ...{ ifindex: LOOPBACK, vip: addressOf(VIP), protocol: 'TCP' as const, port: 1000 + index },
          ...{ by: 'flow' as const, rows: rowsOf(2 + (index % 3)) },
        }));
      const base = { self: SELF, seed: SEED, members: members(2, 3, 4) };
      program.table.replace({ ...base, services: [] });
      program.table.replace({ ...base, services: many(500) });
      expect([0, 1, 499].map((index) => program.place(planOf({ payload: tcp(1, 1000 + index, 'ACK') })))).to.deep.equal(
        [2, 3, 3],
      );
      expect(program.table.look(LOOPBACK)).to.equal('in-place');
      expect(() => program.table.replace({ ...base, services: many(600) }))
        .to.throw('no room for more rows')
        .with.property('code', 'ENOSPC');
      expect(program.place(planOf({ payload: tcp(1, 1499, 'ACK') }))).to.equal(3);
    });
  });

  describe('strays', () => {
    const fingerprint = fingerprintOf(FLOW, SEED);

    it('SP-03: sends a stray where it lives, over IPv4 and IPv6', () => {
      strays({ [String(fingerprint)]: 3, [String(fingerprintOf(FLOW6, SEED))]: 4 });
      expect([program.place(planOf()), program.place(planOf6())]).to.deep.equal([3, 4]);
      expect(program.place(planOf({ payload: tcp(40001, 80, 'ACK') }))).to.equal(2);
      expect(program.table.counters()).to.include({ byStray: 2, strays: 2 });
    });

    it('SP-03: leaves a stray of this node here', () => {
      strays({ [String(fingerprint)]: SELF });
      expect(program.place(planOf())).to.equal(0);
    });

    it('SP-03: takes the row where the node of a stray is unknown', () => {
      strays({ [String(fingerprint)]: 9 });
      expect(program.place(planOf())).to.equal(2);
    });

    it('SP-03: forgets a stray at a SYN, as long as the list has it', () => {
      strays({ [String(fingerprint)]: 3 });
      expect(program.place(planOf({ payload: tcp(40000, 80, 'SYN,ACK') }))).to.equal(3);
      expect(program.place(planOf({ payload: SYN }))).to.equal(2);
      strays({ [String(fingerprint)]: 3 });
      expect(program.place(planOf())).to.equal(2);
      strays({});
      strays({ [String(fingerprint)]: 3 });
      expect(program.place(planOf())).to.equal(3);
    });

    it('SP-03: forgets a stray of SCTP at its chunk INIT', () => {
      const flow = { ...FLOW, protocol: SCTP };
      const plan = (chunk: 'INIT' | 'DATA') => planOf({ protocol: SCTP, payload: sctp(40000, 80, chunk) });
      strays({ [String(fingerprintOf(flow, SEED))]: 3 });
      expect(['DATA', 'INIT', 'DATA'].map((chunk) => program.place(plan(chunk as 'INIT' | 'DATA')))).to.deep.equal([
        3, 2, 2,
      ]);
    });

    it('SP-03: has those of the last list, and says how many there is no room for', () => {
      strays({ [String(fingerprint)]: 3 });
      strays({ '77': 3 });
      expect(program.place(planOf())).to.equal(2);
      const many = BigUint64Array.from({ length: 70_000 }, (_, index) => BigInt(index + 1));
      expect(program.table.setStrays(many, new Uint8Array(70_000).fill(3))).to.equal(70_000 - 65_536);
      expect(strays({ [String(fingerprint)]: 4 })).to.equal(0);
      expect(program.place(planOf())).to.equal(4);
    });
  });

  describe('a change that is pending', () => {
    it('SP-04: keeps a flow that was seen while it was pending', () => {
      program.tell(rowsOf(2, { next: 3 }));
      expect(program.place(planOf())).to.equal(2);
      program.tell(rowsOf(3));
      expect(program.place(planOf())).to.equal(2);
      expect(program.place(planOf({ payload: tcp(40001, 80, 'ACK') }))).to.equal(3);
      expect(program.table.counters().bySeen).to.equal(1);
    });

    it('SP-04: keeps a flow that this node serves', () => {
      program.tell(rowsOf(SELF, { next: 3 }));
      expect(program.place(planOf6({ payload: SYN }))).to.equal(0);
      program.tell(rowsOf(3));
      expect(program.place(planOf6())).to.equal(0);
      expect(program.place(planOf6({ payload: tcp(40001, 80, 'ACK') }))).to.equal(3);
    });

    it('SP-04: forgets at a SYN, and when the node is gone', () => {
      program.tell(rowsOf(2, { next: 3 }));
      for (const port of [40000, 40001]) program.place(planOf({ payload: tcp(port, 80, 'ACK') }));
      program.tell(rowsOf(3));
      expect(program.place(planOf({ payload: SYN }))).to.equal(3);
      expect(program.place(planOf())).to.equal(3);
      program.tell(rowsOf(3), 'flow', [3, 4]);
      expect(program.place(planOf({ payload: tcp(40001, 80, 'ACK') }))).to.equal(3);
    });

    it('SP-04: takes the list of strays before its own memory', () => {
      program.tell(rowsOf(2, { next: 3 }));
      program.place(planOf());
      strays({ [String(fingerprintOf(FLOW, SEED))]: 4 });
      expect(program.place(planOf())).to.equal(4);
    });
  });

  describe('a silent node', () => {
    const fromMember = planOf({ from: MEMBER_MACS[3] ?? '' });

    it('SP-05: gives it what did not begin here, with few hops left', () => {
      program.tell(rowsOf(SELF, { fallback: 2 }));
      for (const plan of [planOf(), planOf6(), fromMember]) {
        const passage = program.run(frame(plan));
        const wanted = frame({ ...plan, from: '00:00:5e:00:53:01', to: MEMBER_MACS[2] ?? '', hops: 8 });
        expect(passage).to.deep.equal({ sent: true, bytes: wanted });
      }
      expect(program.table.counters().secondChance).to.equal(3);
    });

    it('SP-05: serves what begins here', () => {
      program.tell(rowsOf(SELF, { fallback: 2 }));
      expect(program.place(planOf({ payload: SYN }))).to.equal(0);
      expect(program.place(planOf())).to.equal(0);
      expect(program.place({ ...fromMember, payload: tcp(40001, 80, 'SYN') })).to.equal(0);
      expect(program.place({ ...fromMember, payload: tcp(40001, 80, 'ACK') })).to.equal(0);
    });

    it('SP-05: serves strays and what was seen', () => {
      program.tell(rowsOf(SELF, { fallback: 2 }));
      strays({ [String(fingerprintOf(FLOW, SEED))]: SELF });
      expect(program.place(planOf())).to.equal(0);
      program.tell(rowsOf(SELF, { next: 3 }));
      program.place(planOf({ payload: tcp(40001, 80, 'ACK') }));
      program.tell(rowsOf(SELF, { fallback: 2 }));
      expect(program.place(planOf({ payload: tcp(40001, 80, 'ACK') }))).to.equal(0);
    });

    it('SP-05: gives nobody a second time what was given away', () => {
      program.tell(rowsOf(SELF, { fallback: 2 }));
      for (let hops = 0; hops <= 8; hops++) expect(program.place(planOf({ hops })), `${hops} hops`).to.equal(0);
      expect(program.run(frame(planOf({ hops: 9 }))).sent).to.equal(true);
    });

    it('SP-05: gives a member’s frame to the node that a stray names, which the member may not know of', () => {
      program.tell(rowsOf(SELF, { fallback: 2 }));
      strays({ [String(fingerprintOf(FLOW, SEED))]: 4 });
      expect(program.run(frame(fromMember))).to.deep.equal({
        ...{
          sent: true,
          bytes: frame({ ...fromMember, from: '00:00:5e:00:53:01', to: MEMBER_MACS[4] ?? '', hops: 8 }),
        },
      });
      expect(program.place({ ...fromMember, hops: 8 })).to.equal(0);
      program.tell(rowsOf(SELF));
      expect(program.place(fromMember)).to.equal(0);
    });

    it('SP-05: serves what a member began here while the row was about to come, and gives the rest to who has it', () => {
      program.tell(rowsOf(2, { next: SELF, nextFallback: 2 }));
      expect(program.place({ ...fromMember, payload: SYN })).to.equal(0);
      expect(program.place(fromMember)).to.equal(0);
      const other = { ...fromMember, payload: tcp(40001, 80, 'ACK') };
      const toTarget = { ...other, from: '00:00:5e:00:53:01', to: MEMBER_MACS[2] ?? '', hops: 8 };
      expect(program.run(frame(other))).to.deep.equal({ sent: true, bytes: frame(toTarget) });
      expect(program.place({ ...fromMember, protocol: UDP, payload: udp(40001, 80) })).to.equal(0);
      program.tell(rowsOf(2, { next: SELF }));
      expect(program.place(other), 'nobody is silent').to.equal(0);
      program.tell(rowsOf(SELF, { fallback: 2 }));
      expect(program.place(fromMember)).to.equal(0);
      expect(program.run(frame(other)).sent).to.equal(true);
    });

    it('SP-05: does not remember where it gave a flow while a change is pending', () => {
      program.tell(rowsOf(SELF, { fallback: 2, next: 2 }));
      expect(program.run(frame(planOf())).sent).to.equal(true);
      program.tell(rowsOf(3, { fallback: 2, next: 2 }));
      expect(program.place(planOf({ payload: tcp(40001, 80, 'ACK') }))).to.equal(3);
      program.tell(rowsOf(2));
      expect(program.place(planOf())).to.equal(2);
      expect(program.place(planOf({ payload: tcp(40001, 80, 'ACK') }))).to.equal(2);
    });

    it('SP-05: gives it nothing but TCP', () => {
      program.tell(rowsOf(SELF, { fallback: 2 }));
      expect(program.place(planOf({ protocol: UDP, payload: udp(40000, 80) }))).to.equal(0);
      expect(program.place(planOf({ protocol: SCTP, payload: sctp(40000, 80, 'DATA') }))).to.equal(0);
    });
  });

  describe('errors on the way back', () => {
    const reply = (plan: { source?: string; destination?: string; protocol?: number; payload?: Uint8Array } = {}) =>
      packet({
        to: '',
        from: '',
        source: VIP,
        destination: CLIENT,
        protocol: TCP,
        payload: tcp(80, 40000, 'ACK'),
        ...plan,
      });
    const reply6 = (plan: { protocol?: number; payload?: Uint8Array } = {}) =>
      reply({ source: VIP6, destination: CLIENT6, ...plan });
    const error = (type: number, quoted: Uint8Array) =>
      planOf({ source: '192.0.2.1', from: ROUTER_MAC, protocol: ICMP, payload: icmp(type, quoted) });
    const error6 = (type: number, quoted: Uint8Array) =>
      planOf6({ source: '2001:db8:9::1', from: ROUTER_MAC, protocol: ICMPV6, payload: icmp(type, quoted) });

    beforeEach(() => strays({ [String(fingerprintOf(FLOW, SEED))]: 3, [String(fingerprintOf(FLOW6, SEED))]: 4 }));

    for (const [type, name] of [
      [3, 'unreachable, packet too big among them'],
      [11, 'time exceeded'],
      [12, 'parameter problem'],
    ] as const)
      it(`SP-06: go where the flow lives: ${name}`, () =>
        expect(program.place(error(type, reply().subarray(0, 28)))).to.equal(3));

    for (const [type, name] of [
      [1, 'unreachable'],
      [2, 'packet too big'],
      [3, 'time exceeded'],
      [4, 'parameter problem'],
    ] as const)
      it(`SP-06: go where the flow lives, over IPv6: ${name}`, () =>
        expect(program.place(error6(type, reply6()))).to.equal(4));

    it('SP-06: go by the row where the flow is no stray', () => {
      expect(program.place(error(3, reply({ payload: tcp(80, 40001, 'ACK') })))).to.equal(2);
      expect(program.place(error(3, reply({ protocol: UDP, payload: udp(80, 40000) })))).to.equal(2);
    });

    it('SP-06: go by the quoted packet behind extension headers', () => {
      const quoted = bytesOf(TCP, 0, new Uint8Array(6), tcp(80, 40000, 'ACK'));
      expect(program.place(error6(2, reply6({ protocol: 60, payload: quoted })))).to.equal(4);
    });

    it('SP-06: stay here when the quoted packet is not ours, cut, or a later fragment', () => {
      expect(program.place(error(3, reply({ source: '203.0.113.21' })))).to.equal(0);
      expect(program.place(error(3, reply({ payload: tcp(81, 40000, 'ACK') })))).to.equal(0);
      for (const length of [0, 8, 19, 20, 23])
        expect(program.place(error(3, reply().subarray(0, length))), String(length)).to.equal(0);
      const later = packet({
        ...planOf({ source: VIP, destination: CLIENT }),
        fragment: { id: 7, offset: 8, hasMore: false },
      });
      expect(program.place(error(3, later))).to.equal(0);
    });

    it('SP-06: stay here when they are none: an echo, a redirect', () => {
      for (const type of [0, 5, 8]) expect(program.place(error(type, reply())), String(type)).to.equal(0);
      for (const type of [0, 5, 135, 137]) expect(program.place(error6(type, reply6())), String(type)).to.equal(0);
    });

    it('SP-06: begin no flow: a stray stays one though a SYN is quoted', () => {
      expect(program.place(error(3, reply({ payload: tcp(80, 40000, 'SYN') })))).to.equal(3);
      expect(program.place(planOf())).to.equal(3);
    });
  });

  describe('fragments', () => {
    const first = planOf({
      protocol: UDP,
      payload: udp(40000, 80, 1400),
      fragment: { id: 7, offset: 0, hasMore: true },
    });
    const later = planOf({
      protocol: UDP,
      payload: new Uint8Array(100),
      fragment: { id: 7, offset: 1408, hasMore: false },
    });
    const header = (next: number, offset: number, hasMore: boolean, id = 7) => [
      next,
      0,
      ...two(offset + (hasMore ? 1 : 0)),
      0,
      0,
      ...two(id),
    ];
    const first6 = planOf6({ protocol: 44, payload: bytesOf(header(UDP, 0, true), udp(40000, 80, 1000)) });
    const later6 = planOf6({ protocol: 44, payload: bytesOf(header(UDP, 1008, false), new Uint8Array(50)) });

    it('SP-07: follow the first one', () => {
      expect([program.place(first), program.place(later)]).to.deep.equal([2, 2]);
      expect([program.place(first6), program.place(later6)]).to.deep.equal([2, 2]);
    });

    it('SP-07: follow the first one to a stray', () => {
      const udpFlow = { ...FLOW, protocol: UDP };
      strays({
        [String(fingerprintOf(udpFlow, SEED))]: 4,
        [String(fingerprintOf({ ...FLOW6, protocol: UDP }, SEED))]: SELF,
      });
      expect([program.place(first), program.place(later)]).to.deep.equal([4, 4]);
      expect([program.place(first6), program.place(later6)]).to.deep.equal([0, 0]);
    });

    it('SP-07: stay here without a first one, and are counted', () => {
      expect(program.place(later)).to.equal(0);
      expect(program.place(later6)).to.equal(0);
      program.place(first);
      expect(program.place({ ...later, fragment: { id: 8, offset: 1408, hasMore: false } })).to.equal(0);
      expect(program.place({ ...later, source: '198.51.100.8' })).to.equal(0);
      expect(program.table.counters().fragmentsUnknown).to.equal(4);
    });

    it('SP-07: are served where a member sends them to', () => {
      program.place(first);
      expect(program.place({ ...later, from: MEMBER_MACS[3] ?? '' })).to.equal(0);
    });

    it('SP-07: a fragment header with the whole datagram behind it is no fragment', () => {
      const atomic = planOf6({ protocol: 44, payload: bytesOf(header(TCP, 0, false), SYN) });
      expect(program.place(atomic)).to.equal(2);
    });
  });

  describe('extension headers', () => {
    const options = (next: number, units = 0) => [next, units, ...new Uint8Array(6 + units * 8)];
    const chain = (...kinds: number[]) => {
      const nexts = [...kinds.slice(1), TCP];
      return planOf6({
        protocol: kinds[0] ?? TCP,
        payload: bytesOf(...nexts.map((next, index) => options(next, index % 2)), SYN),
      });
    };

    it('SP-08: are gone over: hop-by-hop, destination, routing, authentication', () => {
      for (const kinds of [[0], [60], [43], [0, 60, 43, 60]])
        expect(program.place(chain(...kinds)), kinds.join()).to.equal(2);
      const authentication = planOf6({ protocol: 51, payload: bytesOf(TCP, 4, new Uint8Array(22), SYN) });
      expect(program.place(authentication)).to.equal(2);
    });

    it('SP-08: six are gone over, a packet with seven stays here', () => {
      expect(program.place(chain(0, 60, 60, 60, 60, 60))).to.equal(2);
      expect(program.place(chain(0, 60, 60, 60, 60, 60, 60))).to.equal(0);
    });

    it('SP-08: a packet whose headers lead out of it stays here', () => {
      expect(program.place(planOf6({ protocol: 60, payload: bytesOf(TCP, 255, new Uint8Array(6), SYN) }))).to.equal(0);
      expect(program.place(planOf6({ protocol: 50, payload: SYN }))).to.equal(0);
      expect(program.place(planOf6({ protocol: 59, payload: SYN }))).to.equal(0);
    });
  });
});
