// SPDX-License-Identifier: Apache-2.0
/**
 * The durable form of the ledger: one or more ConfigMaps. Each key of `data` is an address (IPv6 with dashes for colons,
 * since a key cannot have colons), each value a JSON object.
 */

/** Name of the first ConfigMap; the next are `ledger-1`, `ledger-2`, ... */
export const LEDGER_NAME = 'ledger';

/** Label on every ConfigMap of the ledger, for list and watch. */
export const LEDGER_LABEL: Readonly<Record<string, string>> = { 'berth.dev/part': 'ledger' };

/** Annotation of a ConfigMap that takes no new addresses any more. */
export const ANNOTATION_SEALED = 'berth.dev/sealed';

/** One ConfigMap of the ledger as it was read. */
export interface LedgerObject {
  readonly name: string;
  readonly resourceVersion: string;
  readonly isSealed: boolean;
  readonly data: Readonly<Record<string, string>>;
}

/**
 * One compare-and-swap. Writes are done in order and the rest is dropped when one fails: what grants comes before what
 * frees, so a crash in between can only leave a Service with an address too many, which the next pass frees.
 */
export type LedgerWrite =
  | {
      readonly kind: 'create';
      readonly name: string;
      /** Whole ConfigMap but for its namespace. */
      readonly object: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: 'patch';
      readonly name: string;
      /** JSON merge patch with metadata.resourceVersion; a null value deletes its key. */
      readonly patch: Readonly<Record<string, unknown>>;
    };

/** An entry that could not be read, which is what a hand edit leaves; it counts as absent and is overwritten or deleted. */
export interface LedgerProblem {
  readonly object: string;
  readonly key: string;
  readonly message: string;
}
