// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { IpAddress } from '../net/ip-address.ts';
import { decodeOrder, encodeOrder, hasLapsed, type Order } from './orders.ts';

const vip = IpAddress.of('IPv4', 0xc0000207n);

describe('decodeOrder', () => {
  const orders: Order[] = [
    { kind: 'move', id: 'a1', vip, node: 'edge-2' },
    { kind: 'rebalance', id: 'a2' },
    { kind: 'check', id: 'a3' },
    { kind: 'check', id: 'a4', vip },
    { kind: 'move', id: 'a5', atSeconds: 1_800_000_000, vip, node: 'edge-2' },
    { kind: 'rebalance', id: 'a6', atSeconds: 1_800_000_000 },
  ];
  for (const order of orders) {
    it(`reads what was written: ${order.kind} ${order.id}`, () => {
      const read = decodeOrder(order.kind, encodeOrder(order));
      expect(read.ok && encodeOrder(read.value)).to.equal(encodeOrder(order));
      expect(read.ok && read.value.kind).to.equal(order.kind);
    });
  }

  for (const text of [
    '',
    '[]',
    '{}',
    '{"id":7}',
    '{"id":"has blanks","vip":"192.0.2.7","node":"edge-2"}',
    '{"id":"a","vip":"192.0.2.700","node":"edge-2"}',
    '{"id":"a","vip":"192.0.2.7"}',
    '{"id":"a","vip":"192.0.2.7","node":"edge-2","atSeconds":"noon"}',
    `{"id":"a","vip":"192.0.2.7","node":"${'n'.repeat(254)}"}`,
  ]) {
    it(`says what is wrong with ${text.slice(0, 40) || 'nothing'}`, () => {
      const read = decodeOrder('move', text);
      expect(read.ok).to.equal(false);
      expect(!read.ok && read.reason).to.match(/^move: /);
    });
  }
});

describe('hasLapsed', () => {
  const at = 1_800_000_000;
  for (const { name, order, nowSeconds, lapsed } of [
    { name: 'a fresh order', order: { atSeconds: at }, nowSeconds: at + 1, lapsed: false },
    {
      name: 'one by a clock that is ten minutes behind',
      order: { atSeconds: at },
      nowSeconds: at + 600,
      lapsed: false,
    },
    { name: 'an old one', order: { atSeconds: at }, nowSeconds: at + 601, lapsed: true },
    { name: 'one by a clock that is ahead', order: { atSeconds: at }, nowSeconds: at - 7_200, lapsed: false },
    { name: 'one without a time', order: {}, nowSeconds: at, lapsed: false },
  ]) {
    it(`${lapsed ? 'refuses' : 'lets pass'} ${name}`, () => {
      expect(hasLapsed({ kind: 'rebalance', id: 'a', ...order }, nowSeconds)).to.equal(lapsed);
    });
  }
});
