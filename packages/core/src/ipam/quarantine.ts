// SPDX-License-Identifier: Apache-2.0
/**
 * Addresses that somebody uses who is no Service: a node found them taken before they were ever answered for. Nobody gets them until
 * no node reports it any more for a while, or somebody releases them.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { MacAddress } from '../net/mac-address.ts';
import { decodeRecord, encodeRecord, entryKeyOf } from './ledger-entry.ts';
import type { LedgerObject, LedgerWrite } from './ledger-object.ts';

/** What was seen first. */
export interface Quarantine {
  /** Who answered; zero where the address belongs to a node or a gateway that was never asked. */
  readonly mac: MacAddress;
  /** The node that saw it. */
  readonly node: string;
  readonly interface: string;
  /** Milliseconds since the epoch, by the controller's clock. */
  readonly sinceMs: number;
}

/** Most addresses in quarantine: a router that answers for everything must not fill the ledger. */
export const MAX_QUARANTINED = 1000;

/** So long after the last report an address leaves quarantine by itself, in milliseconds. Nodes look again every few minutes. */
export const QUARANTINE_MS = 10 * 60_000;

/** `192.0.2.5 is used by 00:00:5e:00:53:01, seen by node a on eth0`. */
export function describeQuarantine(address: IpAddress, { mac, node, interface: ifname }: Quarantine): string {
  const user = mac.isZero ? 'a node or gateway' : mac.toString();
  return `${address} is used by ${user}, seen by node ${node} on ${ifname}`;
}

/**
 * The compare-and-swap that takes an address out of quarantine, or undefined when it is not in it. The controller notices that
 * somebody else wrote the ledger and reads it anew.
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
