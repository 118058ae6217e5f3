// SPDX-License-Identifier: Apache-2.0
/** Who else writes the status of a Service, by what the API server keeps about the writers of fields. Pure. */
import { OUR_CONDITIONS, shownTextsOf } from '@berth/core';
import type { ManagedFields, Service } from '@berth/kube';

/** As the API server calls us: the first word of our user agent. */
const OWN_MANAGER = 'berth-controller';

export interface OtherWriter {
  /** As it calls itself; most often the first word of its user agent. */
  readonly manager: string;
  /** What the Service showed after it had written, for people. */
  readonly shown: string;
}

/** The part of an entry that says which fields were written. */
interface Fields {
  readonly 'f:status'?: { readonly 'f:loadBalancer'?: object; readonly 'f:conditions'?: object };
}

const OUR_FIELDS = OUR_CONDITIONS.map((type) => `k:${JSON.stringify({ type })}`);

/** The entries of others that wrote addresses or conditions of ours, without the fields. */
export function otherStatusWriters(entries: readonly ManagedFields[]): readonly ManagedFields[] {
  return entries.flatMap(({ manager, time, fieldsV1 }) => {
    if (manager === undefined || manager === OWN_MANAGER || !isOurs(fieldsV1)) return [];
    return [{ manager, ...(time && { time }) }];
  });
}

/** A text for each writer that the Service of a store tells of, with the time of its last write. */
export function writersOf({ metadata: { managedFields = [] } }: Service): readonly string[] {
  return managedFields.map(nameOf);
}

/** Those of a Service of a store whose last write is not among the known ones. */
export function newWriters(service: Service, known: readonly string[]): readonly OtherWriter[] {
  const { managedFields = [] } = service.metadata;
  const shown = shownTextsOf(service).join(' and ') || 'no address';
  return managedFields.flatMap((entry) =>
    known.includes(nameOf(entry)) ? [] : [{ manager: entry.manager ?? '', shown }],
  );
}

function nameOf({ manager, time }: ManagedFields): string {
  return `${manager} ${time}`;
}

function isOurs(fieldsV1: object | undefined): boolean {
  const { 'f:loadBalancer': addresses, 'f:conditions': conditions } = (fieldsV1 as Fields)?.['f:status'] ?? {};
  return addresses !== undefined || OUR_FIELDS.some((field) => conditions !== undefined && field in conditions);
}
