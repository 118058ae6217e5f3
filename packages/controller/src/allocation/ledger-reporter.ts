// SPDX-License-Identifier: Apache-2.0
/** Reports what came of reading the ledger: in the log, and as an Event when it had to be rebuilt. */
import { EVENT_REASONS, LEDGER_NAME } from '@berth/core';
import type { EventRecorder } from '@berth/kube';
import type { Log } from '@berth/runtime';
import type { Reload } from './round.ts';

/** Problems and Services that the log names; all of them are counted. */
const MAX_NAMED = 20;

export interface LedgerReporterOptions {
  readonly log: Log;
  readonly events: EventRecorder;
  readonly namespace: string;
  /** uid of the ledger, by which `kubectl describe` finds its Events; undefined while there is no ledger. */
  uid(): string | undefined;
}

export class LedgerReporter {
  readonly #options: LedgerReporterOptions;
  /** An Event that waits until the ledger is there: one that was deleted is made again by the next write. */
  #message: string | undefined;

  constructor(options: LedgerReporterOptions) {
    this.#options = options;
  }

  tell({ problems, adoption }: Reload): void {
    const { log } = this.#options;
    const { adopted, rejected, released } = adoption;
    log.info('ledger read', { adopted: adopted.length, rejected: rejected.length, released: released.length });
    for (const { service, address, message } of rejected) {
      log.warn('address in a status not taken over', { service, address: address.toString(), why: message });
    }
    if (problems.length > 0 || adopted.length > 0) this.#rebuilt({ problems, adoption });
  }

  #rebuilt({ problems, adoption: { adopted } }: Reload): void {
    const { log } = this.#options;
    const named = { problems: problems.slice(0, MAX_NAMED), adopted: adopted.slice(0, MAX_NAMED) };
    log.warn('ledger rebuilt from statuses', { problemCount: problems.length, adoptedCount: adopted.length, ...named });
    this.#message = `${adopted.length} Services taken over from their statuses, ${problems.length} entries could not be read`;
  }

  /** A batch was decided, and the ledger holds it. */
  decided(): void {
    const { events, namespace, uid } = this.#options;
    const message = this.#message;
    if (message === undefined) return;
    this.#message = undefined;
    const ofLedger = uid();
    const metadata = { namespace, name: LEDGER_NAME, ...(ofLedger === undefined ? {} : { uid: ofLedger }) };
    events.record(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata },
      { type: 'Warning', reason: EVENT_REASONS.ledgerRebuilt, message },
    );
  }
}
