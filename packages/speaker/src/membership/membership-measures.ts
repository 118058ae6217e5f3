// SPDX-License-Identifier: Apache-2.0
/** How long membership takes, as histograms: what a percentile is wanted of. */
import { Histogram, type Registry } from '@berth/runtime';

const PREFIX = 'berth_speaker';

/** In seconds. A heartbeat that is later than the answer fence (150 ms by default) silences the node. */
const LATE_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 2];
/** In seconds. A crash must cost a client 0.3 s at most. */
const TAKEOVER_SECONDS = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 1, 2.5, 10];
/** In seconds. A step must be short against the interval of heartbeats, 25 ms by default. */
const STEP_SECONDS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1];

/** Takes what is measured. */
export interface Measures {
  /** The latest of the heartbeats of one interval, in milliseconds after it was due. */
  heartbeatLate(milliseconds: number): void;
  /** What one event cost the state machine of a segment, without what followed from it, in milliseconds. */
  stepped(milliseconds: number): void;
  /** A VIP of a node that is gone is answered again, this many milliseconds after the last sign of that node. */
  tookOver(milliseconds: number): void;
}

export class MembershipMeasures implements Measures {
  readonly #late: Histogram;
  readonly #step: Histogram;
  readonly #takeover: Histogram;

  constructor(registers: Registry[]) {
    this.#late = new Histogram({
      name: `${PREFIX}_heartbeat_delay_seconds`,
      help: 'How late heartbeats went out: of each interval the latest one',
      buckets: LATE_SECONDS,
      registers,
    });
    this.#step = new Histogram({
      name: `${PREFIX}_membership_step_seconds`,
      help: 'Time that one event took the state machine of a segment: a heartbeat, a tick, a wish of the cluster',
      buckets: STEP_SECONDS,
      registers,
    });
    this.#takeover = new Histogram({
      name: `${PREFIX}_takeover_seconds`,
      help: 'From the last sign of an owner that is gone until this node answered for its VIP; one observation a VIP',
      buckets: TAKEOVER_SECONDS,
      registers,
    });
  }

  heartbeatLate(milliseconds: number): void {
    this.#late.observe(milliseconds / 1000);
  }

  stepped(milliseconds: number): void {
    this.#step.observe(milliseconds / 1000);
  }

  tookOver(milliseconds: number): void {
    this.#takeover.observe(milliseconds / 1000);
  }
}
