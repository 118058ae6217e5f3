// SPDX-License-Identifier: Apache-2.0
/** What one round of decisions ends with. */
import type { AdoptionReport, Decision, IpAddress, LedgerProblem, ServiceKey } from '@berth/core';
import type { Service } from '@berth/kube';

/** What to do about one Service, now that the ledger holds it. */
export type ServiceTask =
  | { readonly kind: 'assign'; readonly service: Service; readonly decision: Decision }
  /** It is not ours or is being deleted. What is `held` has to leave its status before the ledger lets go. */
  | {
      readonly kind: 'remove';
      readonly service: Service;
      readonly held: readonly IpAddress[];
      readonly isOurs: boolean;
    }
  | { readonly kind: 'gone' }
  /** Nothing is known to be wanted yet. */
  | { readonly kind: 'wait' };

export interface Round {
  readonly tasks: ReadonlyMap<ServiceKey, ServiceTask>;
  /** Services of which something else may be said now, since others with their sharing key came, went or changed. */
  readonly sharers: ReadonlySet<ServiceKey>;
  /** Whether the ledger was written: somebody who waits may have a chance now. */
  readonly isChange: boolean;
  /** Whether the ledger was read anew: every Service deserves a look. */
  readonly isReloaded: boolean;
}

export interface Reload {
  readonly problems: readonly LedgerProblem[];
  readonly adoption: AdoptionReport;
}
