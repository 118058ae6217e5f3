// SPDX-License-Identifier: Apache-2.0
/** Tells what came of reading the ledger: in the log, and as an Event when it had to be rebuilt. */
import { LEDGER_NAME } from '@berth/core';
import type { Log } from '@berth/daemon';
import type { EventRecorder } from '@berth/kube';
import type { Reload } from './allocation.ts';

/** Problems and Services that the log names; all of them are counted. */
const MAX_NAMED = 20;

export interface LedgerReporterOptions {
  readonly log: Log;
  readonly events: EventRecorder;
  readonly namespace: string;
}

export class LedgerReporter {
  readonly #options: LedgerReporterOptions;

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
    const { log, events, namespace } = this.#options;
    const named = { problems: problems.slice(0, MAX_NAMED), adopted: adopted.slice(0, MAX_NAMED) };
    log.warn('ledger rebuilt from statuses', { problemCount: problems.length, adoptedCount: adopted.length, ...named });
    const message = `${adopted.length} Services taken over from their statuses, ${problems.length} entries could not be read`;
    const ledger = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: LEDGER_NAME } };
    events.record(ledger, { type: 'Warning', reason: 'LedgerRebuilt', message });
  }
}
