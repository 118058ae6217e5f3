// SPDX-License-Identifier: Apache-2.0
/** Takes an address out of quarantine from outside, past the controller. */
import type { IpAddress } from '../net/ip-address.ts';
import { decodeRecord, encodeRecord, entryKeyOf } from './ledger-entry.ts';
import type { LedgerObject, LedgerWrite } from './ledger-object.ts';

/**
 * The compare-and-swap that takes an address out of quarantine, or undefined when it is not in it. The controller
 * notices that somebody else wrote the ledger and reads it anew.
 */
export function releaseWrite(objects: readonly LedgerObject[], address: IpAddress): LedgerWrite | undefined {
  const key = entryKeyOf(address);
  for (const { name, resourceVersion, data } of objects) {
    const text = data[key];
    const record = text === undefined ? undefined : decodeRecord(key, text);
    if (!record?.ok || record.value.quarantine === undefined) continue;
    const { holders, former } = record.value;
    const isEmpty = holders.length === 0 && former === undefined;
    const value = isEmpty ? null : encodeRecord({ ...record.value, quarantine: undefined });
    return { kind: 'patch', name, patch: { metadata: { resourceVersion }, data: { [key]: value } } };
  }
  return undefined;
}
