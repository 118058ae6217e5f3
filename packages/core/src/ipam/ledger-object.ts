// SPDX-License-Identifier: Apache-2.0
/**
 * The durable form of the ledger: one or more ConfigMaps. Each key of `data` is an address (IPv6 with dashes for
 * colons, since a key cannot have colons), each value a JSON object.
 */

/** Name of the first ConfigMap; the next are `ledger-1`, `ledger-2`, ... */
export const LEDGER_NAME = 'ledger';

/** Label on every ConfigMap of the ledger, for list and watch. */
export const LEDGER_LABEL: Readonly<Record<string, string>> = { 'berth.dev/part': 'ledger' };

/** Annotation of a ConfigMap that takes no new addresses any more. */
export const ANNOTATION_SEALED = 'berth.dev/sealed';

/** Annotation with the version of the ConfigMap that was confirmed by the last write without other content. */
export const ANNOTATION_CONFIRMED = 'berth.dev/confirmed';

/** One ConfigMap of the ledger as it was read. */
export interface LedgerObject {
  readonly name: string;
  readonly resourceVersion: string;
  readonly isSealed: boolean;
  readonly data: Readonly<Record<string, string>>;
}

/**
 * One compare-and-swap. Writes are done in order, and after the first that fails none is tried: the ledger is read
 * anew. Any prefix of them is safe, since an address is only freed when no status shows it any more. There is no
 * deletion: the name of an object that was deleted could be made anew unnoticed.
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

/** An entry that could not be read, which is what a hand edit leaves; it counts as absent and is taken away. */
export interface LedgerProblem {
  readonly object: string;
  readonly key: string;
  readonly message: string;
}

/** The ConfigMap of a ledger as the API server gives it. */
export interface KubeLedgerObject {
  readonly metadata?: {
    readonly name?: string;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
}

/** Reads a ConfigMap of the ledger. */
export function ledgerObjectOf({ metadata = {}, data = {} }: KubeLedgerObject): LedgerObject {
  const { name = '', resourceVersion = '', annotations = {} } = metadata;
  return { name, resourceVersion, isSealed: annotations[ANNOTATION_SEALED] === 'true', data };
}
