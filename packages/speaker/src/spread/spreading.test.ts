// SPDX-License-Identifier: Apache-2.0
import { fingerprintOf, nodeIdOf } from '@berth/core';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ip } from '../testing.ts';
import { Spreading } from './spreading.ts';
import {
  CLUSTER,
  FakeTable,
  membershipOf,
  NAMES,
  optionsOf,
  type Played,
  pass,
  play,
  SERVICE,
  segmentOf,
  VIP,
} from './testing/spread-cable.ts';

function sharesOf({ table }: Played): Record<number, number> {
  const [service] = table.contents?.services ?? [];
  const shares: Record<number, number> = {};
  for (const number of service?.rows.targets ?? []) shares[number] = (shares[number] ?? 0) + 1 / 4096;
  return shares;
}

const oneSegment = () => [
  { segment: segmentOf('edge-1'), loop: { state: membershipOf('edge-1'), saySpread: () => {} } },
];

describe('Spreading', () => {
  it('EN-17: puts the same shares into the kernels of all nodes, and the members by their MAC addresses', async () => {
    const clock = new FakeClock();
    const all = play(clock);
    await pass(clock, 4_000);
    for (const one of all.values()) {
      expect(
        one.table.contents?.services.map(({ protocol, port, ifindex }) => [protocol, port, ifindex]),
      ).to.deep.equal([['TCP', 80, 4]]);
      expect(one.table.contents?.seed).to.equal(0x0123_4567_89ab_cdefn);
      expect(Object.keys(sharesOf(one))).to.have.length(3);
      expect(Math.max(...Object.values(sharesOf(one)))).to.be.below(0.38);
      const others = NAMES.map((name) => segmentOf(name).mac).filter((address) => !address.equals(one.segment.mac));
      expect(one.table.contents?.members.map(({ mac: address }) => String(address)).sort()).to.deep.equal(
        others.map(String),
      );
      expect(one.table.freshMs).to.equal(2_000);
    }
  });

  it('EN-17: keeps quiet where no VIP asks for it', async () => {
    const clock = new FakeClock();
    const asksNot = { ...SERVICE, metadata: { ...SERVICE.metadata, annotations: {} } };
    const [one] = play(clock, NAMES, asksNot).values();
    await pass(clock, 2_000);
    expect(one?.table.attached).to.deep.equal([]);
    expect(one?.table.contents).to.equal(undefined);
  });

  it('EN-18: tells flows that live here although their hash names another node, and takes those of others', async () => {
    const clock = new FakeClock();
    const all = play(clock);
    const second = all.get('edge-2');
    if (!second) throw new Error('no edge-2');
    const flow = { source: ip('198.51.100.7'), destination: ip(VIP), destinationPort: 80, protocol: 6 };
    const seed = BigInt(`0x${CLUSTER}`);
    const fingerprints = Array.from({ length: 30 }, (_, port) =>
      fingerprintOf({ ...flow, sourcePort: 40_000 + port }, seed),
    );
    second.flows = {
      ...{ fingerprints: BigUint64Array.from(fingerprints), services: new Uint16Array(30), rows: new Uint16Array(30) },
      ...{ total: 30, max: 1_000 },
    };
    await pass(clock, 6_000);
    const told = all.get('edge-1')?.table.strays ?? [];
    expect(told.length).to.be.within(10, 28);
    expect(fingerprints).to.include.members([...told]);
    expect([...(all.get('edge-3')?.table.strays ?? [])].sort()).to.deep.equal([...told].sort());
  });

  it('EN-19: serves by the owner where the program cannot be loaded, and says so', async () => {
    const clock = new FakeClock();
    const refusal = Object.assign(new Error('bpf: refused'), { code: 'EPERM' });
    const openTable = async () => {
      throw refusal;
    };
    const spreading = new Spreading(optionsOf(clock, { openTable, segments: oneSegment }));
    spreading.start();
    await pass(clock, 1_000);
    expect(spreading.facts.obstacle).to.deep.equal({ what: 'program', error: refusal });
    expect(spreading.segments).to.deep.equal([]);
  });

  it('EN-19: takes part on no segment where the program cannot be attached to one, and on all when it can be again', async () => {
    const clock = new FakeClock();
    const refusal = Object.assign(new Error('tcx: refused'), { code: 'EBUSY' });
    let isRefused = true;
    const tables: FakeTable[] = [];
    const openTable = async () => {
      const table = new FakeTable();
      table.attach = (ifindex) => {
        if (isRefused && ifindex === 4) throw refusal;
        table.attached.push(ifindex);
      };
      tables.push(table);
      return table;
    };
    const loop = { state: membershipOf('edge-1'), saySpread: () => {} };
    const other = { ...loop };
    const segments = () => [
      { segment: segmentOf('edge-1'), loop },
      { segment: { ...segmentOf('edge-1'), ifindex: 5, ifname: 'eth1' }, loop: other },
    ];
    const spreading = new Spreading(optionsOf(clock, { openTable, segments }));
    spreading.start();
    await pass(clock, 1_000);
    expect(spreading.facts.obstacle).to.deep.equal({ what: 'program', error: refusal });
    expect(spreading.segments).to.deep.equal([]);
    expect(tables.map(({ isOpen }) => isOpen)).to.deep.equal([false]);
    isRefused = false;
    await pass(clock, 60_000);
    expect(spreading.segments.map(({ ifindex }) => ifindex)).to.deep.equal([4, 5]);
    expect(tables.at(-1)?.attached).to.deep.equal([4, 5]);
  });

  it('MV-05: an end waits until the others serve what this node did', async () => {
    const clock = new FakeClock();
    const all = play(clock);
    await pass(clock, 4_000);
    const third = all.get('edge-3');
    if (!third) throw new Error('no edge-3');
    let hasLeft = false;
    void third.spreading.leave().then(() => {
      hasLeft = true;
    });
    expect(third.handedOver).to.equal(true);
    await pass(clock, 20);
    expect(hasLeft).to.equal(false);
    await pass(clock, 1_500);
    expect(hasLeft).to.equal(true);
    const [first] = all.values();
    const set = first?.spreading.segments[0]?.state.owned.get(VIP)?.set;
    expect(set?.committed.filter(({ state }) => state === 'serving').map(({ id }) => id)).to.have.members(
      ['edge-1', 'edge-2'].map(nodeIdOf),
    );
  });
});
