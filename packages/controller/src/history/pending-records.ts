// SPDX-License-Identifier: Apache-2.0
/**
 * What happened since the history was last written: moves and marks, VIPs that no one may answer for any more, and
 * orders that explain moves.
 */
import {
  boundedMarks,
  decodeOrder,
  type HistoryRecords,
  MAX_MOVES,
  type MarkRecord,
  type MoveRecord,
  type MoveSeen,
  ORDERS_MAP,
} from '@berth/core';
import type { ConfigMap } from '@berth/kube';

/** An order explains a move that comes within this time, in milliseconds. */
const ORDER_MS = 600_000;
const MAX_ORDERS = 64;

interface SeenOrder {
  readonly kind: 'move' | 'rebalance';
  /** Empty for a rebalance. */
  readonly vip: string;
  readonly node: string;
  readonly atMs: number;
}

/** A VIP whose owner stopped to answer, until it is known whether somebody else does. */
export interface LeftVip {
  readonly vip: string;
  readonly interface: string;
  readonly from: string;
  readonly atMs: number;
}

export class PendingRecords {
  #moves: readonly MoveRecord[] = [];
  #marks: readonly MarkRecord[] = [];
  readonly #left = new Map<string, LeftVip>();
  #orders: readonly SeenOrder[] = [];

  get isEmpty(): boolean {
    return this.#moves.length + this.#marks.length + this.#left.size === 0;
  }

  addMarks(marks: readonly MarkRecord[]): void {
    this.#marks = boundedMarks([...this.#marks, ...marks]);
  }

  /** Moves without their Services, which are looked up when they are written. */
  addMoves(moves: readonly MoveSeen[]): void {
    for (const { vip } of moves) this.#left.delete(vip);
    const records = moves.map((move): MoveRecord => ({ ...move, services: [], why: this.#whyOf(move) }));
    this.#moves = [...this.#moves, ...records].slice(-MAX_MOVES);
  }

  /** Its owner does not answer any more; the next one may be a moment away. */
  addLeft(left: LeftVip): void {
    if (!this.#left.has(left.vip)) this.#left.set(left.vip, left);
  }

  /** Takes out what was left before that time. */
  takeLeftBefore(atMs: number): readonly LeftVip[] {
    const due = [...this.#left.values()].filter((one) => one.atMs <= atMs);
    for (const { vip } of due) this.#left.delete(vip);
    return due;
  }

  /** Takes out all records. */
  take(): Pick<HistoryRecords, 'moves' | 'marks'> {
    const taken = { moves: this.#moves, marks: this.#marks };
    [this.#moves, this.#marks] = [[], []];
    return taken;
  }

  /** Puts back what could not be written. */
  giveBack({ moves, marks }: Pick<HistoryRecords, 'moves' | 'marks'>): void {
    this.#moves = [...moves, ...this.#moves].slice(-MAX_MOVES);
    this.#marks = boundedMarks([...marks, ...this.#marks]);
  }

  /** Remembers an order by a person: it is taken back as soon as it is carried out. */
  noteOrders(map: ConfigMap | undefined, nowMs: number): void {
    if (map?.metadata.name !== ORDERS_MAP) return;
    const seen = (['move', 'rebalance'] as const).flatMap((kind): SeenOrder[] => {
      const text = map.data?.[kind];
      const order = text === undefined ? undefined : decodeOrder(kind, text);
      if (!order?.ok) return [];
      return order.value.kind === 'move'
        ? [{ kind: 'move', vip: String(order.value.vip), node: order.value.node, atMs: nowMs }]
        : [{ kind: 'rebalance', vip: '', node: '', atMs: nowMs }];
    });
    const recent = this.#orders.filter(({ atMs }) => nowMs - atMs < ORDER_MS);
    this.#orders = [...recent, ...seen].slice(-MAX_ORDERS);
  }

  // The new owner may not have read the order that its old one carried out.
  #whyOf({ vip, to, why, atMs }: MoveSeen): MoveRecord['why'] {
    if (why !== 'handed-over' && why !== 'rebalance' && why !== 'unfit') return why;
    const recent = this.#orders.filter((one) => Math.abs(atMs - one.atMs) < ORDER_MS);
    if (recent.some((one) => one.kind === 'move' && one.vip === vip && one.node === to)) return 'order';
    // It is not well, whoever asked for balance meanwhile.
    if (why === 'unfit') return why;
    return recent.some((one) => one.kind === 'rebalance') ? 'rebalance' : why;
  }
}
