// SPDX-License-Identifier: Apache-2.0
/**
 * Carries out what people order by the ConfigMap `orders`, each order once, and remembers what became of the last ones.
 */
import {
  decodeOrder,
  hasLapsed,
  type MembershipReport,
  type MoveRefusal,
  ORDER_KINDS,
  ORDERS_MAP,
  type Order,
  type OrderOutcome,
} from '@berth/core';
import { type ConfigMap, configMaps, type KubeApi, Reflector, Store, withoutManagedFields } from '@berth/kube';
import { type Clock, errorFields, type Log, Signal } from '@berth/runtime';
import type { MembershipLoop } from '../membership/membership-loop.ts';

/** So many orders are remembered, with what became of them. */
const REMEMBERED = 16;

export interface OrdersOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly log: Log;
  /** Namespace of Berth. */
  readonly namespace: string;
  /** The segments of this moment. */
  loops(): readonly Pick<MembershipLoop, 'give' | 'owns' | 'state'>[];
}

interface Known {
  readonly order: Order;
  /** Old orders were there before this process, and foreign ones are about VIPs of other nodes. */
  readonly part: 'ours' | 'none';
  readonly refusal: MoveRefusal | undefined;
}

export class Orders {
  readonly name = 'orders';
  /** An order to ask on the wire; the answer is reported elsewhere. */
  readonly checks = new Signal<[Order & { readonly kind: 'check' }]>();
  /** What became of an order may have changed. */
  readonly news = new Signal();
  readonly #options: OrdersOptions;
  readonly #store = new Store<ConfigMap>();
  readonly #reflector: Reflector<ConfigMap>;
  /** By id, the oldest first. */
  readonly #known = new Map<string, Known>();
  /** The move that is being given to the segments: they refuse it at once or later. */
  #under: string | undefined;

  constructor(options: OrdersOptions) {
    const { api, clock, log, namespace } = options;
    this.#options = options;
    this.#reflector = new Reflector<ConfigMap>({
      ...{ api, clock },
      kind: configMaps,
      store: this.#store,
      selection: { namespace, fieldSelector: `metadata.name=${ORDERS_MAP}` },
      transform: withoutManagedFields,
      onError: (error, retryInMs) => log.warn('watch failed', { what: ORDERS_MAP, retryInMs, ...errorFields(error) }),
    });
    this.#store.subscribe(({ type, object }) => {
      if (type !== 'deleted') this.#look(object);
    });
  }

  start(): void {
    this.#reflector.start();
  }

  stop(): Promise<void> {
    return this.#reflector.stop();
  }

  /** What became of the orders that this node had a part in. */
  outcomes(): readonly OrderOutcome[] {
    return [...this.#known].flatMap(([id, known]) =>
      known.part === 'none' ? [] : [{ id, outcome: this.#outcomeOf(known), why: known.refusal }],
    );
  }

  /** News of a segment; a refused move is some. */
  noteReport(report: MembershipReport): void {
    if (report.kind === 'rebalanced') this.news.emit();
    if (report.kind !== 'move-refused') return;
    const { vip, node, why } = report;
    const isMeant = ({ order }: Known) => order.kind === 'move' && order.vip.equals(vip) && order.node === node;
    const [id, known] = [...this.#known].findLast(([, one]) => isMeant(one)) ?? [];
    if (id === undefined || known === undefined) return;
    this.#known.set(id, { ...known, part: 'ours', refusal: why });
    if (id !== this.#under) this.news.emit();
  }

  #look({ data = {} }: ConfigMap): void {
    for (const kind of ORDER_KINDS) {
      const text = data[kind];
      const order = text === undefined ? undefined : decodeOrder(kind, text);
      if (order?.ok === false) this.#options.log.warn('order cannot be read', { problem: order.reason });
      if (order?.ok && !this.#known.has(order.value.id)) this.#take(order.value);
    }
  }

  #take(order: Order): void {
    this.#remember(order);
    // What is there when the watch begins was ordered before this process came up.
    if (!this.#reflector.hasSynced) return;
    const { clock, log } = this.#options;
    // This node was cut off from the API server, or a clock is wrong: whoever gave the order has given it up long
    // since.
    if (hasLapsed(order, clock.date().getTime() / 1000)) {
      log.warn('order has lapsed', { id: order.id, order: order.kind, atSeconds: order.atSeconds });
      return;
    }
    this.#under = order.id;
    const part = this.#carryOut(order);
    this.#under = undefined;
    const known = this.#known.get(order.id);
    if (known === undefined || part === 'none') return;
    this.#known.set(order.id, { ...known, part });
    log.info('order', { id: order.id, order: order.kind, outcome: this.#outcomeOf({ ...known, part }) });
    this.news.emit();
  }

  #carryOut(order: Order): Known['part'] {
    const loops = this.#options.loops();
    if (order.kind === 'rebalance') {
      for (const loop of loops) loop.give({ type: 'rebalance' });
      return 'ours';
    }
    if (order.kind === 'check') {
      this.checks.emit(order);
      return 'none';
    }
    const owning = loops.filter((loop) => loop.owns(order.vip));
    for (const loop of owning) loop.give({ type: 'move', vip: order.vip, node: order.node });
    return owning.length > 0 ? 'ours' : 'none';
  }

  #outcomeOf({ order, refusal }: Known): OrderOutcome['outcome'] {
    if (refusal !== undefined) return 'refused';
    const isUnderWay = this.#options
      .loops()
      .some((loop) => (order.kind === 'move' ? loop.owns(order.vip) : loop.state.isRebalanceOrdered));
    return isUnderWay ? 'begun' : 'done';
  }

  #remember(order: Order): void {
    this.#known.set(order.id, { order, part: 'none', refusal: undefined });
    const [oldest] = this.#known.keys();
    if (this.#known.size > REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
  }
}
