// SPDX-License-Identifier: Apache-2.0
/** What decisions look at: the surroundings that all of them share, and the scope of one. */
import type { Labels } from '../config/label-selector.ts';
import type { PoolConfig } from '../config/pool-config.ts';
import type { IpAddress } from '../net/ip-address.ts';
import type { ServiceRequest } from '../service/service-request.ts';
import type { AllocationTable } from './allocation-table.ts';
import type { Occupants } from './occupants.ts';
import type { TermsNow } from './sharing.ts';
import type { SharingPatience } from './sharing-patience.ts';

/** What decisions depend on besides the ledger: one immutable snapshot, swapped as a whole. */
export interface Surroundings {
  readonly config: PoolConfig;
  /** Labels of each namespace; a namespace that is not in here has none. */
  readonly namespaces: ReadonlyMap<string, Labels>;
  /** Who else has addresses, by what the cluster knows. Default: no one. */
  readonly occupants?: Occupants;
}

/** What a decision about one Service looks at. */
export interface DecisionScope {
  readonly request: ServiceRequest;
  readonly table: AllocationTable;
  readonly namespaces: Surroundings['namespaces'];
  readonly nowMs: number;
  /** What the Service holds and is to go on holding; the rest of what it holds no longer counts against its quota. */
  readonly staying: readonly IpAddress[];
  readonly patience: SharingPatience;
  readonly termsNow?: TermsNow | undefined;
}
