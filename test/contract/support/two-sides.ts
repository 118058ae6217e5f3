// SPDX-License-Identifier: Apache-2.0

// The speaker lab with a client on either side of a switch whose frames can be held up: what each of them sees when the
// segment is split, and who owned what before.

import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { LanFaults } from '../../support/lan-faults.ts';
import { LanHost } from '../../support/lan-host.ts';
import { WireWatch } from '../../support/wire-watch.ts';
import type { SpeakerHost } from '../speaker/speaker-host.ts';
import type { SpeakerLab } from './speaker-lab.ts';
import { until } from './until.ts';

/** Between two questions of a client for one VIP. */
export const ASK_EVERY_MS = 20;
/** A VIP is announced from the moment it is answered; the first questions may have come before. */
const FIRST_ANSWERS_MS = 1_000;

export class TwoSides {
  readonly faults: LanFaults;
  /** The host with the second client. */
  readonly farHost: LanHost;
  readonly near: WireWatch;
  readonly far: WireWatch;
  readonly #speakers: SpeakerLab;

  private constructor(speakers: SpeakerLab, farHost: LanHost, [near, far]: readonly [WireWatch, WireWatch]) {
    this.#speakers = speakers;
    this.farHost = farHost;
    this.near = near;
    this.far = far;
    this.faults = new LanFaults(speakers.lab.name);
  }

  /**
   * These nodes have no kube-proxy, and would hand their VIPs around when they notice that: an option keeps
   * speakers from looking.
   */
  static async up(speakers: SpeakerLab): Promise<TwoSides> {
    const { lab } = speakers;
    process.env.KUBE_PROXY_HEALTH = 'off';
    await restartSpeakers(speakers);
    const farHost = new LanHost({ labName: lab.name, name: 'far' });
    await farHost.up();
    const near = await WireWatch.start({ namespace: lab.namespaceOf('client') });
    const far = await WireWatch.start({ namespace: farHost.namespace });
    return new TwoSides(speakers, farHost, [near, far]);
  }

  async down(): Promise<void> {
    await this.faults.heal();
    this.faults.close();
    await Promise.all([this.near.stop(), this.far.stop()]);
    await this.farHost.down();
    delete process.env.KUBE_PROXY_HEALTH;
    await restartSpeakers(this.#speakers);
  }

  /** Makes Services; both clients ask for their VIPs from then on. Returns the owner of each. */
  async makeVips(count: number): Promise<Map<string, SpeakerHost>> {
    const speakers = this.#speakers;
    const vips = speakers.vips(count);
    for (const vip of vips) await speakers.service([vip]);
    const names = await speakers.owners(vips);
    const watches = [this.near, this.far];
    await Promise.all(watches.map((watch) => watch.ask(vips, ASK_EVERY_MS)));
    await delay(FIRST_ANSWERS_MS);
    await Promise.all(watches.map((watch) => watch.take()));
    return new Map(vips.map((vip) => [vip, speakers.host(names.get(vip) ?? '')]));
  }
}

/** Ends all speakers in an orderly way and starts them again, with the environment of this moment. */
export async function restartSpeakers(speakers: SpeakerLab): Promise<void> {
  for (const host of speakers.hosts) host.signal('SIGTERM');
  await until(() => expect(speakers.hosts.filter(({ isRunning }) => isRunning)).to.deep.equal([]), 30_000);
  await speakers.whole();
}

/** Two sides for a suite of tests; each test ends without a fault. */
export function useTwoSides(use: {
  readonly speakers: SpeakerLab;
}): Pick<TwoSides, 'near' | 'far' | 'farHost' | 'faults' | 'makeVips'> {
  let sides: TwoSides | undefined;
  before(async function () {
    this.timeout(180_000);
    sides = await TwoSides.up(use.speakers);
  });
  afterEach(() => sides?.faults.heal());
  after(async function () {
    this.timeout(60_000);
    await sides?.down();
  });
  const known = () => {
    if (!sides) throw new Error('two sides: asked for before they were up');
    return sides;
  };
  return {
    get near() {
      return known().near;
    },
    get far() {
      return known().far;
    },
    get farHost() {
      return known().farHost;
    },
    get faults() {
      return known().faults;
    },
    makeVips: (count) => known().makeVips(count),
  };
}
