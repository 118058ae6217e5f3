// SPDX-License-Identifier: Apache-2.0
/** What a node began or ended to announce, from one state to the next. Pure. */
import type { ServiceKey } from '@berth/core';
import type { ServedVip } from './wire.ts';

/** One VIP of one Service. */
export interface ServedChange {
  readonly service: ServiceKey;
  readonly vip: string;
  readonly interfaces: readonly string[];
}

export interface ServedChanges {
  readonly begun: readonly ServedChange[];
  readonly ended: readonly ServedChange[];
  /** Owned from now on, but no interface is left to answer on. */
  readonly stranded: readonly ServedChange[];
}

/** A VIP without an interface is not announced. A change of interfaces alone is neither begun nor ended. */
export function servedChanges(current: readonly ServedVip[], previous: readonly ServedVip[]): ServedChanges {
  const [now, before] = withoutEqual(current, previous);
  const isStranded = ({ interfaces }: ServedVip) => interfaces.length === 0;
  const { begun, ended } = differences(
    now.filter((one) => !isStranded(one)),
    before.filter((one) => !isStranded(one)),
  );
  return { begun, ended, stranded: differences(now.filter(isStranded), before.filter(isStranded)).begun };
}

/** Both without the VIPs that are in both as they were, which are nearly all of many. */
function withoutEqual(now: readonly ServedVip[], before: readonly ServedVip[]): [ServedVip[], ServedVip[]] {
  const past = new Map(before.map((one) => [String(one.vip), one]));
  const changed = now.filter((one) => {
    const known = past.get(String(one.vip));
    const isEqual = known?.services === one.services && known.interfaces.length > 0 === one.interfaces.length > 0;
    if (isEqual) past.delete(String(one.vip));
    return !isEqual;
  });
  return [changed, [...past.values()]];
}

function differences(now: readonly ServedVip[], before: readonly ServedVip[]): Omit<ServedChanges, 'stranded'> {
  const present = pairsOf(now);
  const past = pairsOf(before);
  const missingIn =
    (pairs: ReadonlyMap<string, ServedChange>) =>
    ([key]: readonly [string, ServedChange]) =>
      !pairs.has(key);
  return {
    begun: [...present].filter(missingIn(past)).map(([, change]) => change),
    ended: [...past].filter(missingIn(present)).map(([, change]) => change),
  };
}

function pairsOf(served: readonly ServedVip[]): Map<string, ServedChange> {
  const pairs = new Map<string, ServedChange>();
  for (const { vip, services, interfaces } of served) {
    for (const service of services) pairs.set(`${vip} ${service}`, { service, vip: String(vip), interfaces });
  }
  return pairs;
}
