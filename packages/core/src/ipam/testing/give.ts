// SPDX-License-Identifier: Apache-2.0
/** An allocator alone, without writes and statuses: what tests of single rules need. */
import type { PoolConfig } from '../../config/pool-config.ts';
import { Allocator } from '../allocator.ts';
import { encodeRecord } from '../ledger-entry.ts';
import { configOf, requestOf, type ServiceSketch } from './builders.ts';

export function allocatorOf(config: PoolConfig): Allocator {
  return new Allocator({ config, namespaces: new Map() });
}

/** Decides about Services in order and returns what they get. */
export function give(
  allocator: Allocator,
  sketches: Readonly<Record<string, ServiceSketch>>,
  nowMs = 0,
): Record<string, string> {
  const entries = Object.entries(sketches).map(([name, sketch]) => {
    const { addresses, refusal } = allocator.decide(requestOf(name, sketch), nowMs);
    return [name, addresses.length > 0 ? addresses.map(({ address }) => address).join(',') : refusal];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

export function stateOf(allocator: Allocator): string[] {
  return [...allocator.table.records()].map((record) => `${record.address} ${encodeRecord(record)}`).sort();
}

export const TINY = configOf({ lan: { addresses: ['203.0.113.40-203.0.113.43'] } });
