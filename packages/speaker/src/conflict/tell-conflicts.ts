// SPDX-License-Identifier: Apache-2.0
/** Tells users of strangers that claim a VIP in use: an Event on each Service that holds it, and the log. */
import { type AddressConflict, EVENT_REASONS } from '@berth/core';
import type { EventNote, KubeObject } from '@berth/kube';
import type { Log } from '@berth/runtime';
import type { ServedVip } from '../layer2/wire.ts';

export interface TellConflictsOptions {
  readonly log: Log;
  readonly events: { record(object: KubeObject, note: EventNote): void };
  readonly services: { get(key: string): KubeObject | undefined };
  readonly nodeName: string;
}

export interface ConflictTeller {
  alarm(conflict: AddressConflict, vip: ServedVip | undefined): void;
  ended(conflict: AddressConflict, vip: ServedVip | undefined): void;
}

export function tellConflicts({ log, events, services, nodeName }: TellConflictsOptions): ConflictTeller {
  const record = (vip: ServedVip | undefined, note: EventNote) => {
    for (const key of vip?.services ?? []) {
      const object = services.get(key);
      if (object) events.record({ ...object, apiVersion: 'v1', kind: 'Service' }, note);
    }
  };
  return {
    alarm({ vip, interface: ifname, mac }, served) {
      log.warn('a stranger claims a VIP', { vip: String(vip), interface: ifname, mac: String(mac) });
      const message = `${mac} on the LAN claims ${vip} too; node "${nodeName}" defends it on interface "${ifname}", but clients may reach the other host`;
      record(served, { type: 'Warning', reason: EVENT_REASONS.addressConflict, message });
    },
    ended({ vip, interface: ifname, mac }, served) {
      log.info('a stranger has stopped claiming a VIP', { vip: String(vip), interface: ifname, mac: String(mac) });
      record(served, {
        type: 'Normal',
        reason: EVENT_REASONS.addressConflictEnded,
        message: `${mac} claims ${vip} no more`,
      });
    },
  };
}
