// SPDX-License-Identifier: Apache-2.0
/** The self-test with what people see of it: Events on Services, the log, and answers to the order to check. */
import {
  type CheckReport,
  EVENT_REASONS,
  type HeardVip,
  type Hearing,
  hearingOf,
  type IpAddress,
  type UnreachableVip,
} from '@berth/core';
import type { Service } from '@berth/kube';
import type { AddressProber } from '@berth/link';
import { type Clock, type Log, Signal } from '@berth/runtime';
import type { Cluster } from '../cluster/cluster.ts';
import type { Memberships } from '../membership/memberships.ts';
import { type Heard, SelfTest } from './self-test.ts';

/** Most questions of one order; with 25 at a time they take 40 s. */
const MOST_QUESTIONS = 2_500;
/** Most rows of what is not right. */
const MOST_REPORTED = 64;
const WELL: readonly Hearing[] = ['right', 'own', 'nobody'];

export interface ReachabilityParts {
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly cluster: Pick<Cluster, 'watches' | 'events'>;
  readonly memberships: Pick<Memberships, 'loops'>;
  readonly prober: Pick<AddressProber, 'resolve'>;
}

export class Reachability {
  readonly name = 'self-test';
  /** What this node says of VIPs has changed. */
  readonly news = new Signal();
  readonly selfTest: SelfTest;
  readonly #parts: ReachabilityParts;
  #check: CheckReport | undefined;

  constructor(parts: ReachabilityParts) {
    const { nodeName, clock, memberships, prober } = parts;
    this.#parts = parts;
    this.selfTest = new SelfTest({
      ...{ clock, nodeName, prober },
      joined: () => memberships.loops,
    });
    this.selfTest.changes.subscribe((vip, change, owner) => this.#tell(vip, change, owner));
  }

  start(): void {
    this.selfTest.start();
  }

  stop(): void {
    this.selfTest.stop();
  }

  /** What the last order to check brought. */
  get check(): CheckReport | undefined {
    return this.#check;
  }

  /** A person wants to know what is heard. */
  async carryOut({ id, vip }: { readonly id: string; readonly vip?: IpAddress }): Promise<void> {
    const heard = await this.selfTest.hear(vip === undefined ? 'all' : [vip], MOST_QUESTIONS);
    const wrong = heard.filter((one) => !WELL.includes(hearingOf(one, this.#parts.nodeName)));
    // For one VIP everything is reported, for many only what is not right.
    const reported = vip === undefined ? wrong.slice(0, MOST_REPORTED) : heard;
    this.#check = { id, asked: heard.length, right: heard.length - wrong.length, heard: reported.map(rowOf) };
    this.news.emit();
  }

  #tell(failed: UnreachableVip, change: 'failed' | 'recovered', owner: string): void {
    const { log, nodeName } = this.#parts;
    const { vip, interface: ifname, why, macs } = failed;
    const fields = { vip: String(vip), interface: ifname, owner, macs: macs.map(String) };
    const where = `node "${nodeName}" asked for ${vip} on interface "${ifname}"`;
    if (change === 'failed') {
      log.warn('VIP does not answer as it should', { ...fields, why });
      const answer = macs.length === 0 ? 'no one answered' : `${macs.join(' and ')} answered`;
      const message = `${where}: ${answer}, not node "${owner}" alone`;
      this.#record(vip, { type: 'Warning', reason: EVENT_REASONS.addressUnreachable, message });
    } else {
      log.info('VIP answers again as it should', fields);
      this.#record(vip, {
        type: 'Normal',
        reason: EVENT_REASONS.addressReachable,
        message: `${where}: nothing is wrong any more`,
      });
    }
    this.news.emit();
  }

  // Rare enough to look through all Services.
  #record(vip: IpAddress, note: { readonly type: 'Warning' | 'Normal'; reason: string; message: string }): void {
    const { watches, events } = this.#parts.cluster;
    for (const service of watches.services.values())
      if (holds(service, vip)) events.record({ ...service, apiVersion: 'v1', kind: 'Service' }, note);
  }
}

function holds({ status }: Service, vip: IpAddress): boolean {
  return status?.loadBalancer?.ingress?.some(({ ip }) => ip === String(vip)) ?? false;
}

function rowOf({ vip, interface: ifname, owner, macs }: Heard): HeardVip {
  return { vip, interface: ifname, owner: owner && { node: owner.node, mac: owner.mac }, macs };
}
