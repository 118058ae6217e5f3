// SPDX-License-Identifier: Apache-2.0
/** What was decided about the Services for which not all is well: who waits for an address, and who is stranded. */
import { type Decision, isStranded, type RefusalReason, type ServiceKey } from '@berth/core';

export class Outcomes {
  /** Only decisions with a refusal or a remark. */
  readonly #decisions = new Map<ServiceKey, Decision>();

  note(decision: Decision): void {
    if (decision.refusal === undefined && decision.remarks.length === 0) this.#decisions.delete(decision.service);
    else this.#decisions.set(decision.service, decision);
  }

  forget(service: ServiceKey): void {
    this.#decisions.delete(service);
  }

  /** Services with a wish that may come true when addresses become free or are shared on other terms. */
  waiting(): readonly ServiceKey[] {
    return this.#select(({ refusal, isPermanent }) => refusal !== undefined && !isPermanent).map(
      ({ service }) => service,
    );
  }

  /** Services that keep an address which they would not get anew, by key. */
  stranded(): readonly Decision[] {
    const all = this.#select(isStranded);
    return all.sort((a, b) => (a.service < b.service ? -1 : 1));
  }

  /** How many Services have a wish that is refused, by reason. */
  refusals(): ReadonlyMap<RefusalReason, number> {
    const counts = new Map<RefusalReason, number>();
    for (const { refusal } of this.#decisions.values()) {
      if (refusal !== undefined) counts.set(refusal, (counts.get(refusal) ?? 0) + 1);
    }
    return counts;
  }

  #select(isWanted: (decision: Decision) => boolean): Decision[] {
    return [...this.#decisions.values()].filter(isWanted);
  }
}
