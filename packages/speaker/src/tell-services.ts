// SPDX-License-Identifier: Apache-2.0
/** Tells users what this node announces: an Event on the Service, and the log. */
import type { EventNote, KubeObject } from '@berth/kube';
import type { Log } from './log.ts';
import { type ServedChange, servedChanges } from './served-changes.ts';
import type { ServedVip } from './wire.ts';

export interface TellOptions {
  readonly log: Log;
  readonly events: { record(object: KubeObject, note: EventNote): void };
  readonly services: { get(key: string): KubeObject | undefined };
  readonly nodeName: string;
}

/** Event reason; users of MetalLB know it. */
const NODE_ASSIGNED = 'nodeAssigned';

/** The function to call after each change of what is served. */
export function tellServices(options: TellOptions): (now: readonly ServedVip[], before: readonly ServedVip[]) => void {
  return (now, before) => {
    const { begun, ended } = servedChanges(now, before);
    for (const change of begun) tellBegun(options, change);
    for (const { service, vip } of ended) options.log.info('withdrawn', { service, vip });
  };
}

function tellBegun({ log, events, services, nodeName }: TellOptions, { service, vip, interfaces }: ServedChange): void {
  log.info('announcing', { service, vip, interfaces });
  const object = services.get(service);
  if (!object) return;
  const where = interfaces.map((name) => `"${name}"`).join(', ');
  const message = `announcing ${vip} from node "${nodeName}" on interface ${where}`;
  // Objects of a list come without kind; an Event that does not name it is shown nowhere.
  events.record({ ...object, apiVersion: 'v1', kind: 'Service' }, { type: 'Normal', reason: NODE_ASSIGNED, message });
}
