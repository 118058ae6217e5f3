// SPDX-License-Identifier: Apache-2.0
import { encodeOrder, ORDERS_MAP, type Order } from '@berth/core';
import { configMaps } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { giveOrder, withOrder } from './order-map.ts';

const AT = { namespace: 'berth-system', name: ORDERS_MAP };
const FIRST: Order = { kind: 'rebalance', id: 'first' };
const SECOND: Order = { kind: 'rebalance', id: 'second' };

describe('withOrder', () => {
  let api: FakeApi;
  let clock: FakeClock;
  const place = () => ({ api, clock, namespace: AT.namespace });
  const textOf = (order: Order) => encodeOrder({ ...order, atSeconds: Math.floor(clock.date().getTime() / 1000) });
  const standing = async () => (await api.get(configMaps, AT)).data?.rebalance;

  beforeEach(() => {
    api = new FakeApi();
    clock = new FakeClock();
  });

  it('lets the dated order stand until there is an outcome, and returns that', async () => {
    const seen = await withOrder(place(), FIRST, standing);
    expect([seen, await standing()]).to.deep.equal([textOf(FIRST), undefined]);
  });

  it('takes the order back when the outcome cannot be told', async () => {
    const failure = withOrder(place(), FIRST, () => Promise.reject(new Error('the API server is away')));
    expect(await failure.catch(String)).to.equal('Error: the API server is away');
    expect(await standing()).to.equal(undefined);
  });

  it('takes the order back although time went by', async () => {
    await withOrder(place(), FIRST, () => clock.advance(5_000));
    expect(await standing()).to.equal(undefined);
  });

  it('leaves alone what somebody else ordered meanwhile', async () => {
    await withOrder(place(), FIRST, () => giveOrder(place(), SECOND));
    expect(await standing()).to.equal(textOf(SECOND));
  });
});
