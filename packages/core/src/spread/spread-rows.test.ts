// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { MacAddress } from '../net/mac-address.ts';
import { nodeIdOf, ownedRows, ROWS, rowCountOf } from './spread-rows.ts';
import { byId, type ServeState, type SetMember } from './spread-set.ts';

function member(node: string, state: ServeState = 'serving', weight = 1): SetMember {
  const mac = MacAddress.parse('00:00:5e:00:53:01');
  if (!mac.ok) throw new Error(mac.reason);
  return { id: nodeIdOf(node), mac: mac.value, state, weight };
}

function nodes(count: number): SetMember[] {
  return Array.from({ length: count }, (_, index) => member(`node-${index + 1}`)).sort(byId);
}

function shares(members: readonly SetMember[], rowCount: number): Map<number, number> {
  const counts = new Map(members.map(({ id }) => [id, 0]));
  for (const id of ownedRows(members, rowCount).targets) counts.set(id, (counts.get(id) ?? 0) + 1 / rowCount);
  return counts;
}

describe('nodeIdOf', () => {
  for (const { name, id } of [
    { name: 'edge-1', id: 1384272833 },
    { name: 'node-1.example.com', id: 4196577387 },
  ])
    it(`EN-02: gives ${name} the same id in every release`, () => {
      expect(nodeIdOf(name)).to.equal(id);
    });
});

describe('rowCountOf', () => {
  it('EN-02: grows above 16 members', () => {
    expect([nodes(16), nodes(17)].map(rowCountOf)).to.deep.equal([ROWS.few, ROWS.many]);
  });
});

describe('ownedRows', () => {
  for (const { count, most } of [
    { count: 2, most: 1.03 },
    { count: 3, most: 1.05 },
    { count: 10, most: 1.12 },
    { count: 48, most: 1.15 },
  ])
    it(`EN-02: gives each of ${count} members its share, the fullest at most ${most} of the mean`, () => {
      const members = nodes(count);
      const fullest = Math.max(...shares(members, rowCountOf(members)).values());
      expect(fullest * count).to.be.within(1, most);
    });

  it('EN-03: moves no row but those of the member that goes', () => {
    const before = nodes(5);
    const [gone, ...left] = before;
    const [rows, after] = [ownedRows(before, ROWS.few).targets, ownedRows(left, ROWS.few).targets];
    const moved = rows.filter((id, row) => id !== after[row]);
    expect(new Set(moved)).to.deep.equal(new Set([gone?.id]));
    expect(moved.length).to.be.within(ROWS.few / 6, ROWS.few / 4);
  });

  it('EN-03: gives the member that comes only rows that it serves from then on', () => {
    const before = nodes(4);
    const comes = member('node-9');
    const after = ownedRows([...before, comes].sort(byId), ROWS.few).targets;
    const moved = ownedRows(before, ROWS.few).targets.map((id, row) => (id === after[row] ? 0 : (after[row] ?? 0)));
    expect(new Set(moved)).to.deep.equal(new Set([0, comes.id]));
  });

  it('EN-04: gives a member of weight 3 beside two of weight 1 three fifths', () => {
    const heavy = member('node-1', 'serving', 3);
    const counts = shares([heavy, member('node-2'), member('node-3')].sort(byId), ROWS.few);
    expect(counts.get(heavy.id)).to.be.within(0.57, 0.63);
  });

  it('EN-04: gives rows to serving members alone, and none to nobody', () => {
    const [a, b] = [member('node-1'), member('node-2', 'draining')];
    expect(new Set(ownedRows([a, b], ROWS.few).targets)).to.deep.equal(new Set([a.id]));
    expect(new Set(ownedRows([b], ROWS.few).targets)).to.deep.equal(new Set([0]));
  });

  it('EN-05: names the silent member for the rows that it served, and no other', () => {
    const [a, b, c] = [member('node-1'), member('node-2'), member('node-3')];
    const before = ownedRows([a, b, c].sort(byId), ROWS.few).targets;
    const { targets, fallbacks } = ownedRows([a, b, { ...c, state: 'silent' as const }].sort(byId), ROWS.few);
    expect(fallbacks).to.deep.equal(before.map((id) => (id === c.id ? c.id : 0)));
    expect(targets.every((id) => id === a.id || id === b.id)).to.equal(true);
  });
});
