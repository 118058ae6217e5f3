// SPDX-License-Identifier: Apache-2.0
/**
 * Orders by people to the speakers: the ConfigMap `orders`, one key for each kind. An order has an id and is carried
 * out once; those that are there when a speaker starts are old. What became of it stands in the states of the nodes.
 */
import { IpAddress } from '../net/ip-address.ts';
import { type Parsed, parsed, unparsed } from '../net/parsed.ts';
import { countOf, objectOf, readJson, textOf } from './json-fields.ts';

/** Name of the ConfigMap. */
export const ORDERS_MAP = 'orders';

export type Order = OrderContent & {
  /** When it was given, by the clock of whoever gave it, in seconds since 1970. Left out by older programs. */
  readonly atSeconds?: number;
};

type OrderContent =
  /** Hand this VIP, which another node owns, to that node. */
  | { readonly kind: 'move'; readonly id: string; readonly vip: IpAddress; readonly node: string }
  /** Even the load out once. */
  | { readonly kind: 'rebalance'; readonly id: string }
  /** Ask on the wire who answers for this VIP, or for all that others own. */
  | { readonly kind: 'check'; readonly id: string; readonly vip?: IpAddress };

export const ORDER_KINDS = ['move', 'rebalance', 'check'] as const satisfies readonly Order['kind'][];

/**
 * An order this old is not carried out any more. It compares the clock of whoever gave it with that of the node, so it
 * is far more than clocks differ where somebody sets them, and far less than a node is cut off from the API server
 * without anybody minding.
 */
const LAPSE_SECONDS = 600;

const MAX_CHARACTERS = 4096;
const MAX_NAME_CHARACTERS = 253;
/** As much of an id as a node's state repeats. */
const ID = /^[a-zA-Z0-9-]{1,64}$/;

/** The value of the order's key. */
export function encodeOrder(order: Order): string {
  const { kind: _, ...content } = order;
  return JSON.stringify(content);
}

/** The order of a kind, or what is wrong with it. Keys that are no kind are no one's business. */
export function decodeOrder(kind: Order['kind'], text: string): Parsed<Order> {
  const json = objectOf(readJson(text, MAX_CHARACTERS));
  const id = textOf(json?.id, MAX_NAME_CHARACTERS);
  if (json === undefined || id === undefined || !ID.test(id))
    return unparsed(`${kind}: want a JSON object with an "id" of at most 64 letters, digits and dashes`);
  const atSeconds = countOf(json.atSeconds);
  if (json.atSeconds !== undefined && atSeconds === undefined)
    return unparsed(`${kind}: atSeconds: want seconds since 1970`);
  const head = { id, ...(atSeconds !== undefined && { atSeconds }) };
  if (kind === 'rebalance' || (kind === 'check' && json.vip === undefined)) return parsed({ kind, ...head });
  const vip = IpAddress.parse(textOf(json.vip, MAX_NAME_CHARACTERS) ?? '');
  if (!vip.ok) return unparsed(`${kind}: vip: ${vip.reason}`);
  if (kind === 'check') return parsed({ kind, ...head, vip: vip.value });
  const node = textOf(json.node, MAX_NAME_CHARACTERS);
  if (node === undefined || node === '') return unparsed(`${kind}: node: want the name of a node`);
  return parsed({ kind, ...head, vip: vip.value, node });
}

/**
 * Whether an order came too late to be carried out. One without a time never does, and one from the future neither: a
 * clock is wrong then.
 */
export function hasLapsed({ atSeconds }: Order, nowSeconds: number): boolean {
  return atSeconds !== undefined && nowSeconds - atSeconds > LAPSE_SECONDS;
}
