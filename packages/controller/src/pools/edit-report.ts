// SPDX-License-Identifier: Apache-2.0
/**
 * Logs what an edit of the pools meant for the Services that exist: the lists of `kubectl berth preview`, as they came
 * true. It is collected from the decisions that the edit causes anyway: to play them beforehand would stop everything
 * else on a large cluster.
 */
import { type Decision, isStranded, type ServiceKey } from '@berth/core';
import type { Log } from '@berth/runtime';

/** Services that are named per list; the rest is counted. */
const MAX_NAMED = 20;

const LISTS = ['stranded', 'recovered', 'gaining', 'waiting'] as const;

type List = (typeof LISTS)[number];

interface Outlook {
  readonly list: List;
  readonly reason: string;
}

/** Mutable. */
export class EditReport {
  readonly #log: Log;
  #edit: Edit | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * An edit takes effect; `stranded` tells who was so before. One that is not concluded goes on with the newer edit.
   */
  begin(stranded: readonly Pick<Decision, 'service'>[]): void {
    this.#edit ??= new Edit(new Set(stranded.map(({ service }) => service)));
  }

  /** A Service was decided that had this many addresses in its status. */
  note(decision: Decision, shown: number): void {
    this.#edit?.note(decision, shown);
  }

  /** A Service is gone or no longer ours. */
  forget(service: ServiceKey): void {
    this.#edit?.forget(service);
  }

  /** All Services were decided under the new pools. */
  conclude(): void {
    if (this.#edit === undefined) return;
    this.#log.info('pool configuration applied', this.#edit.summary());
    this.#edit = undefined;
  }
}

class Edit {
  readonly #wasStranded: ReadonlySet<ServiceKey>;
  /** Undefined: nothing changed for it. */
  readonly #outlooks = new Map<ServiceKey, Outlook | undefined>();

  constructor(wasStranded: ReadonlySet<ServiceKey>) {
    this.#wasStranded = wasStranded;
  }

  note(decision: Decision, shown: number): void {
    const { service, condition } = decision;
    // Who gained an address is decided again once its status shows it.
    const isGaining = this.#outlooks.get(service)?.list === 'gaining' || decision.addresses.length > shown;
    const list = this.#listOf(decision, isGaining);
    this.#outlooks.set(service, list && { list, reason: condition.reason });
  }

  forget(service: ServiceKey): void {
    this.#outlooks.delete(service);
  }

  summary(): Readonly<Record<string, unknown>> {
    const names: Record<List, string[]> = { stranded: [], recovered: [], gaining: [], waiting: [] };
    let staying = 0;
    for (const [service, one] of this.#outlooks) {
      if (one === undefined) staying += 1;
      else names[one.list].push(`${service} (${one.reason})`);
    }
    const lists = LISTS.map((list) => {
      const services = names[list].sort().slice(0, MAX_NAMED);
      return [list, { count: names[list].length, ...(services.length > 0 && { services }) }] as const;
    });
    return { ...Object.fromEntries(lists), staying };
  }

  #listOf(decision: Decision, isGaining: boolean): List | undefined {
    if (decision.addresses.length === 0) return 'waiting';
    if (isGaining) return 'gaining';
    const wasStranded = this.#wasStranded.has(decision.service);
    if (isStranded(decision)) return wasStranded ? undefined : 'stranded';
    return wasStranded ? 'recovered' : undefined;
  }
}
