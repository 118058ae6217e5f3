// SPDX-License-Identifier: Apache-2.0
import { encodeOrder, initialMembership, type MembershipEvent, type Order, timingOf } from '@berth/core';
import { configMaps } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ip, mac } from '../testing.ts';
import { Orders } from './orders.ts';

const NAMESPACE = 'berth-system';
const MOVE: Order = { kind: 'move', id: 'm1', vip: ip('192.0.2.7'), node: 'edge-2' };

describe('Orders', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let given: MembershipEvent[];
  let owned: Set<string>;
  let checks: string[];
  let isRebalanceOrdered: boolean;
  let orders: Orders;

  beforeEach(() => {
    api = new FakeApi();
    clock = new FakeClock();
    given = [];
    checks = [];
    owned = new Set(['192.0.2.7']);
    isRebalanceOrdered = false;
    orders = newOrders();
  });

  afterEach(() => orders.stop());

  it('gives a move to the segment that owns the VIP, once', async () => {
    await begin();
    await order(MOVE);
    await order({ ...MOVE, id: 'm2', vip: ip('192.0.2.8') });
    expect(given).to.deep.equal([{ type: 'move', vip: MOVE.vip, node: 'edge-2' }]);
    expect(orders.outcomes()).to.deep.equal([{ id: 'm1', outcome: 'begun', why: undefined }]);
    owned.clear();
    expect(orders.outcomes()).to.deep.equal([{ id: 'm1', outcome: 'done', why: undefined }]);
  });

  it('leaves alone what was ordered before it started', async () => {
    await order(MOVE);
    await begin();
    expect(given).to.deep.equal([]);
    await order({ ...MOVE, id: 'm2' });
    expect(given).to.have.length(1);
    expect(orders.outcomes().map(({ id }) => id)).to.deep.equal(['m2']);
  });

  it('lets an order lapse that it hears of after more than ten minutes', async () => {
    await begin();
    const nowSeconds = Math.floor(clock.date().getTime() / 1000);
    await order({ ...MOVE, atSeconds: nowSeconds - 3_600 });
    expect(given).to.deep.equal([]);
    expect(orders.outcomes()).to.deep.equal([]);
    await order({ ...MOVE, id: 'm2', atSeconds: nowSeconds - 60 });
    expect(given).to.have.length(1);
  });

  it('tells why a move was refused', async () => {
    await begin();
    await order(MOVE);
    orders.noteReport({ kind: 'move-refused', vip: ip('192.0.2.7'), node: 'edge-2', why: 'not-taken' });
    expect(orders.outcomes()).to.deep.equal([{ id: 'm1', outcome: 'refused', why: 'not-taken' }]);
  });

  it('has every node rebalance, and tells when it is over', async () => {
    await begin();
    isRebalanceOrdered = true;
    await order({ kind: 'rebalance', id: 'r1' });
    expect(given).to.deep.equal([{ type: 'rebalance' }]);
    expect(orders.outcomes()).to.deep.equal([{ id: 'r1', outcome: 'begun', why: undefined }]);
    isRebalanceOrdered = false;
    expect(orders.outcomes()).to.deep.equal([{ id: 'r1', outcome: 'done', why: undefined }]);
  });

  it('passes an order to check on, whoever owns the VIP', async () => {
    await begin();
    await order({ kind: 'check', id: 'c1', vip: ip('192.0.2.8') });
    await order({ kind: 'check', id: 'c2' });
    expect(checks).to.deep.equal(['c1', 'c2']);
    expect(orders.outcomes()).to.deep.equal([]);
  });

  it('does nothing about what it cannot read', async () => {
    await begin();
    await write({ move: '{"id":"m1"}', rebalance: 'now', shutdown: '{"id":"s1"}' });
    expect(given).to.deep.equal([]);
  });

  it('remembers a few orders only', async () => {
    await begin();
    for (let index = 0; index < 40; index += 1) await order({ ...MOVE, id: `m${index}` });
    expect(orders.outcomes().length).to.be.at.most(16);
  });

  async function begin(): Promise<void> {
    orders.start();
    await clock.advance(0);
  }

  function order(one: Order): Promise<void> {
    return write({ [one.kind]: encodeOrder(one) });
  }

  async function write(data: Record<string, string>): Promise<void> {
    const at = { namespace: NAMESPACE, name: 'orders' };
    if (api.all(configMaps).length === 0) await api.create(configMaps, { metadata: at, data });
    else await api.patch(configMaps, at, { type: 'merge', body: { data } });
    await clock.advance(0);
  }

  function newOrders(): Orders {
    const times = timingOf();
    if (!times.ok) throw new Error('times');
    const self = { node: 'edge-1', bootId: '0123456789abcdef', port: 2, mac: mac(2) };
    const state = initialMembership({ self, timing: times.timing }, 0);
    const loop = {
      give: (event: MembershipEvent) => given.push(event),
      owns: (vip: unknown) => owned.has(String(vip)),
      get state() {
        return { ...state, isRebalanceOrdered };
      },
    };
    const silent = () => {};
    const log = { error: silent, warn: silent, info: silent, debug: silent };
    const orders = new Orders({ api, clock, log, namespace: NAMESPACE, loops: () => [loop] });
    orders.checks.subscribe(({ id }) => checks.push(id));
    return orders;
  }
});
