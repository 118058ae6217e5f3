// SPDX-License-Identifier: Apache-2.0
/** Tells users what this node announces: an Event on the Service, and the log. */

import { EVENT_REASONS, METALLB_REASONS } from '@berth/core';
import type { EventNote, KubeObject } from '@berth/kube';
import type { Log } from '@berth/runtime';
import { type ServedChange, servedChanges } from './served-changes.ts';
import type { ServedVip } from './wire.ts';

export interface TellOptions {
  readonly log: Log;
  readonly events: { record(object: KubeObject, note: EventNote): void };
  readonly services: { get(key: string): KubeObject | undefined };
  readonly nodeName: string;
  /** Whether the VIP lies in a subnet of these interfaces of the node. */
  isInSubnet(vip: string, interfaces: readonly string[]): boolean;
}

/** The function to call after each change of what is served. */
export function tellServices(options: TellOptions): (now: readonly ServedVip[], before: readonly ServedVip[]) => void {
  return (now, before) => {
    const { begun, ended, stranded } = servedChanges(now, before);
    for (const change of begun) tellBegun(options, change);
    for (const change of stranded) tellStranded(options, change);
    for (const { service, vip } of ended) options.log.info('withdrawn', { service, vip });
  };
}

function tellBegun(options: TellOptions, { service, vip, interfaces }: ServedChange): void {
  options.log.info('announcing', { service, vip, interfaces });
  const where = interfaces.map((name) => `"${name}"`).join(', ');
  const message = `announcing ${vip} from node "${options.nodeName}" on interface ${where}`;
  record(options, service, { type: 'Normal', reason: METALLB_REASONS.announcing, message });
  if (!options.isInSubnet(vip, interfaces)) tellOutside(options, { service, vip, interfaces });
}

// Announced all the same: the user may have a route.
function tellOutside(options: TellOptions, { service, vip, interfaces }: ServedChange): void {
  options.log.warn('outside of every subnet', { service, vip, interfaces });
  const where = `no subnet of node "${options.nodeName}" on ${interfaces.map((name) => `"${name}"`).join(', ')}`;
  const message = `${vip} is in ${where}: hosts of the LAN reach it only where they have a route for it`;
  record(options, service, { type: 'Warning', reason: EVENT_REASONS.outsideSubnet, message });
}

function tellStranded(options: TellOptions, { service, vip }: ServedChange): void {
  options.log.warn('owned, but no interface fits', { service, vip });
  const message = `${vip} is not announced: node "${options.nodeName}" has no usable interface that the policy allows`;
  record(options, service, { type: 'Warning', reason: EVENT_REASONS.noUsableInterface, message });
}

// Objects of a list come without kind; an Event that does not name it is shown nowhere.
function record({ events, services }: TellOptions, key: string, note: EventNote): void {
  const object = services.get(key);
  if (object) events.record({ ...object, apiVersion: 'v1', kind: 'Service' }, note);
}
