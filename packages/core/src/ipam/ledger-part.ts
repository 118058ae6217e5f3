// SPDX-License-Identifier: Apache-2.0
/** One ConfigMap of the ledger, and the write that brings it in line with a draft. */
import {
  ANNOTATION_CONFIRMED,
  ANNOTATION_SEALED,
  LEDGER_LABEL,
  LEDGER_NAME,
  type LedgerWrite,
} from './ledger-object.ts';

/** One ConfigMap as far as the layout needs it. */
export interface LedgerPart {
  readonly name: string;
  readonly resourceVersion: string;
  readonly isSealed: boolean;
  /** Bytes of each entry, by key. */
  readonly sizes: Map<string, number>;
  /** Keys that cannot be read, to be taken away with the next write. */
  readonly garbage: readonly string[];
}

/** What is to be done to one part. */
export interface PartPlan {
  /** undefined: the part is new. */
  readonly part: LedgerPart | undefined;
  readonly name: string;
  readonly values: Map<string, string | null>;
  /** What becomes of it; undefined: it stays open or sealed. */
  turns: 'open' | 'sealed' | undefined;
}

/** Writes that were planned together. */
export class WritePlan {
  readonly parts: readonly PartPlan[];
  readonly writes: readonly LedgerWrite[];

  constructor(parts: readonly PartPlan[]) {
    this.parts = parts;
    this.writes = parts.map(writeOf);
  }
}

function writeOf({ part, name, values, turns }: PartPlan): LedgerWrite {
  const data = Object.fromEntries(values);
  if (part === undefined) {
    const annotations = turns === 'sealed' ? { [ANNOTATION_SEALED]: 'true' } : {};
    const metadata = { name, labels: LEDGER_LABEL, annotations };
    return { kind: 'create', name, object: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } };
  }
  const { resourceVersion } = part;
  // A write that only confirms still has to give a new version, so that whoever relied on the old one fails in turn.
  const annotations = {
    ...(turns === undefined ? {} : { [ANNOTATION_SEALED]: turns === 'sealed' ? 'true' : null }),
    ...(values.size === 0 ? { [ANNOTATION_CONFIRMED]: resourceVersion } : {}),
  };
  return { kind: 'patch', name, patch: { metadata: { resourceVersion, annotations }, data } };
}

/** `ledger` is 0, `ledger-7` is 7; undefined for any other name. */
export function numberOf(name: string): number | undefined {
  if (name === LEDGER_NAME) return 0;
  const match = /^ledger-([1-9]\d{0,8})$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export function nameOf(number: number): string {
  return number === 0 ? LEDGER_NAME : `${LEDGER_NAME}-${number}`;
}

export function inOrder(parts: LedgerPart[]): LedgerPart[] {
  return parts.sort((a, b) => (numberOf(a.name) ?? 0) - (numberOf(b.name) ?? 0));
}
