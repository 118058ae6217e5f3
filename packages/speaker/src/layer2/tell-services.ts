// SPDX-License-Identifier: Apache-2.0
/**
 * Tells users what this node announces: an Event on the Service, and the log. It comes after the answers, and a little
 * at a time: a thousand lines at once would hold up heartbeats and frames.
 */

import { EVENT_REASONS, METALLB_REASONS } from '@berth/core';
import type { EventNote, KubeObject } from '@berth/kube';
import type { Clock, Log, Timer } from '@berth/runtime';
import { type ServedChange, servedChanges } from './served-changes.ts';
import type { ServedVip } from './wire.ts';

/** So long it tells in one turn of the event loop, in milliseconds. */
const TURN_MS = 5;

export interface TellOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly events: { record(object: KubeObject, note: EventNote): void };
  readonly services: { get(key: string): KubeObject | undefined };
  readonly nodeName: string;
  /** Whether the VIP lies in a subnet of these interfaces of the node. */
  isInSubnet(vip: string, interfaces: readonly string[]): boolean;
}

export class ServiceTeller {
  readonly name = 'service teller';
  readonly #options: TellOptions;
  #now: readonly ServedVip[] = [];
  /** What was served when {@link #left} was found out. */
  #before: readonly ServedVip[] = [];
  /** What is not told yet, in order. */
  #left: Iterator<() => void> = [].values();
  #turn: Timer | undefined;

  constructor(options: TellOptions) {
    this.#options = options;
  }

  /** What is served from now on; what changed by that is told soon. */
  follow(served: readonly ServedVip[]): void {
    this.#now = served;
    this.#turn ??= this.#options.clock.after(0, () => this.#tellSome());
  }

  /** Tells at once what is left. */
  stop(): void {
    this.#turn?.cancel();
    while (this.#tellNext());
  }

  #tellSome(): void {
    const { clock } = this.#options;
    const endMs = clock.now() + TURN_MS;
    while (clock.now() < endMs)
      if (!this.#tellNext()) {
        this.#turn = undefined;
        return;
      }
    this.#turn = clock.after(0, () => this.#tellSome());
  }

  /** Returns whether there was something to tell. */
  #tellNext(): boolean {
    let next = this.#left.next();
    if (next.done && this.#before !== this.#now) {
      this.#left = this.#changes();
      next = this.#left.next();
    }
    if (next.done) return false;
    next.value();
    return true;
  }

  #changes(): Iterator<() => void> {
    const { begun, ended, stranded } = servedChanges(this.#now, this.#before);
    this.#before = this.#now;
    return [
      ...begun.map((change) => () => tellBegun(this.#options, change)),
      ...stranded.map((change) => () => tellStranded(this.#options, change)),
      ...ended.map(
        ({ service, vip }) =>
          () =>
            this.#options.log.info('withdrawn', { service, vip }),
      ),
    ].values();
  }
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
