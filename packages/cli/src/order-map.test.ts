// SPDX-License-Identifier: Apache-2.0
import { encodeOrder, ORDERS_MAP, type Order } from '@berth/core';
import { configMaps } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { expect } from 'chai';
import { giveOrder, withOrder } from './order-map.ts';

const AT = { namespace: 'berth-system', name: ORDERS_MAP };
const FIRST: Order = { kind: 'rebalance', id: 'first' };
const SECOND: Order = { kind: 'rebalance', id: 'second' };

describe('withOrder', () => {
  let api: FakeApi;
  const place = () => ({ api, namespace: AT.namespace });
  const standing = async () => (await api.get(configMaps, AT)).data?.rebalance;

  beforeEach(() => {
    api = new FakeApi();
  });

  it('lets the order stand until there is an outcome, and returns that', async () => {
    const seen = await withOrder(place(), FIRST, standing);
    expect([seen, await standing()]).to.deep.equal([encodeOrder(FIRST), undefined]);
  });

  it('takes the order back when the outcome cannot be told', async () => {
    const failure = withOrder(place(), FIRST, () => Promise.reject(new Error('the API server is away')));
    expect(await failure.catch(String)).to.equal('Error: the API server is away');
    expect(await standing()).to.equal(undefined);
  });

  it('leaves alone what somebody else ordered meanwhile', async () => {
    await withOrder(place(), FIRST, () => giveOrder(place(), SECOND));
    expect(await standing()).to.equal(encodeOrder(SECOND));
  });
});
