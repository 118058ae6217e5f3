// SPDX-License-Identifier: Apache-2.0
/**
 * Orders by people to the speakers: the ConfigMap `orders`, one key for each kind. An order has an id and is carried out once; those
 * that are there when a speaker starts are old. What became of it stands in the states of the nodes.
 */
import { IpAddress } from '../net/ip-address.ts';
import { type Parsed, parsed, unparsed } from '../net/parsed.ts';
import { objectOf, readJson, textOf } from './json-fields.ts';

/** Name of the ConfigMap. */
export const ORDERS_MAP = 'orders';

export type Order =
  /** Hand this VIP, which another node owns, to that node. */
  | { readonly kind: 'move'; readonly id: string; readonly vip: IpAddress; readonly node: string }
  /** Even the load out once. */
  | { readonly kind: 'rebalance'; readonly id: string }
  /** Ask on the wire who answers for this VIP, or for all that others own. */
  | { readonly kind: 'check'; readonly id: string; readonly vip?: IpAddress };

export const ORDER_KINDS = ['move', 'rebalance', 'check'] as const satisfies readonly Order['kind'][];

const MAX_CHARACTERS = 4096;
const MAX_NAME_CHARACTERS = 253;
/** As much of an id as a node's state repeats. */
const ID = /^[a-zA-Z0-9-]{1,64}$/;

/** The value of the order's key. */
export function encodeOrder(order: Order): string {
  const { kind: _, ...content } = order;
  return JSON.stringify(content);
}

/** The order of a kind, or what is wrong with it. Keys that are no kind are nobody's business. */
export function decodeOrder(kind: Order['kind'], text: string): Parsed<Order> {
  const json = objectOf(readJson(text, MAX_CHARACTERS));
  const id = textOf(json?.id, MAX_NAME_CHARACTERS);
  if (json === undefined || id === undefined || !ID.test(id))
    return unparsed(`${kind}: want a JSON object with an "id" of at most 64 letters, digits and dashes`);
  if (kind === 'rebalance' || (kind === 'check' && json.vip === undefined)) return parsed({ kind, id });
  const vip = IpAddress.parse(textOf(json.vip, MAX_NAME_CHARACTERS) ?? '');
  if (!vip.ok) return unparsed(`${kind}: vip: ${vip.reason}`);
  if (kind === 'check') return parsed({ kind, id, vip: vip.value });
  const node = textOf(json.node, MAX_NAME_CHARACTERS);
  if (node === undefined || node === '') return unparsed(`${kind}: node: want the name of a node`);
  return parsed({ kind, id, vip: vip.value, node });
}
