// SPDX-License-Identifier: Apache-2.0
/** Orders to the speakers, by the ConfigMap `orders`. */
import { encodeOrder, type NodeReport, ORDERS_MAP, type Order, type OrderOutcome } from '@berth/core';
import { configMaps, isKubeError, type KubeApi } from '@berth/kube';
import type { Clock } from '@berth/runtime';
import { findObject } from './cluster-state.ts';

/** Where orders are given. */
export interface OrderPlace {
  readonly api: KubeApi;
  /** Namespace of Berth. */
  readonly namespace: string;
  /** Dates orders. */
  readonly clock: Pick<Clock, 'date'>;
}

/**
 * Gives an order, waits for what `outcome` resolves to, and takes the order back, also when that rejects: a speaker
 * that was away must not carry out later what no one waits for any more.
 */
export async function withOrder<T>(place: OrderPlace, order: Order, outcome: () => Promise<T>): Promise<T> {
  const dated = datedNow(place, order);
  await write(place, dated);
  try {
    return await outcome();
  } finally {
    await takeBackOrder(place, dated);
  }
}

/** Gives an order and leaves it there. */
export function giveOrder(place: OrderPlace, order: Order): Promise<void> {
  return write(place, datedNow(place, order));
}

function datedNow({ clock }: OrderPlace, order: Order): Order {
  return { ...order, atSeconds: Math.floor(clock.date().getTime() / 1000) };
}

async function write({ api, namespace }: OrderPlace, order: Order): Promise<void> {
  const at = { namespace, name: ORDERS_MAP };
  const data = { [order.kind]: encodeOrder(order) };
  try {
    await api.patch(configMaps, at, { type: 'merge', body: { data } });
  } catch (error) {
    if (!isKubeError(error, 'not-found')) throw error;
    await api.create(configMaps, { metadata: at, data });
  }
}

async function takeBackOrder({ api, namespace }: OrderPlace, order: Order): Promise<void> {
  const at = { namespace, name: ORDERS_MAP };
  const map = await findObject(api, configMaps, at);
  if (map?.data?.[order.kind] !== encodeOrder(order)) return;
  const { resourceVersion } = map.metadata;
  const body = { metadata: { resourceVersion }, data: { [order.kind]: null } };
  try {
    await api.patch(configMaps, at, { type: 'merge', body });
  } catch (error) {
    // Somebody gave the next order meanwhile, which replaces this one.
    if (!isKubeError(error, 'conflict', 'not-found')) throw error;
  }
}

/** What the nodes say about an order, by node. */
export function outcomesOf(id: string, reports: readonly NodeReport[]): ReadonlyMap<string, OrderOutcome> {
  const rows = reports.flatMap(({ node, state }) => {
    const outcome = state?.orders.find((one) => one.id === id);
    return outcome === undefined ? [] : [[node, outcome] as const];
  });
  return new Map(rows);
}
