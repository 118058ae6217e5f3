// SPDX-License-Identifier: Apache-2.0

// A speaker lab of a suite's own, on a LAN that does not bring all heartbeats: one VIP, who answers for it, and how the
// nodes hear each other.

import { expect } from 'chai';
import type { SpeakerHost } from '../speaker/speaker-host.ts';
import { besideLab, PACE, SpeakerLab } from './speaker-lab.ts';
import { until } from './until.ts';

export const PATIENCE_MS = 60_000;

export class OwnSpeakers {
  readonly speakers: SpeakerLab;
  readonly vip: string;

  constructor(speakers: SpeakerLab, vip: string) {
    this.speakers = speakers;
    this.vip = vip;
  }

  get hosts(): readonly SpeakerHost[] {
    return this.speakers.hosts;
  }

  /** Names of the hosts that answer for the VIP within a second. */
  async answering(): Promise<string[]> {
    const { stdout } = await this.speakers.lab.tryExec('client', ['arping', '-w', '1', '-I', 'eth0', this.vip]);
    const macs = new Set(
      [...stdout.matchAll(/\[([0-9A-Fa-f:]{17})\]/g)].map((match) => (match[1] ?? '').toLowerCase()),
    );
    return [...macs].map((mac) => this.hosts.find((host) => host.mac === mac)?.name ?? mac);
  }

  /** Waits until one answers; its name. */
  async owner(): Promise<string> {
    return until(async () => {
      const [owner = '', ...others] = await this.answering();
      expect([owner === '', others]).to.deep.equal([false, []]);
      return owner;
    }, PATIENCE_MS);
  }

  /** Waits until each of these hears the others, by the transport with this name. */
  async allHearBy(transport: string, hosts: readonly SpeakerHost[] = this.hosts): Promise<void> {
    for (const host of hosts)
      await until(async () => {
        expect(await host.metric('berth_speaker_members', 'interface="eth0",hearing="both"')).to.equal(2);
        expect(await host.metric('berth_speaker_transport', `transport="${transport}"`)).to.equal(1);
      }, PATIENCE_MS);
  }

  /** Kills the owner: another one takes over; started again all hear each other as before, and one answers. */
  async crash(transport: string): Promise<void> {
    const owner = await this.owner();
    const host = this.speakers.host(owner);
    host.signal('SIGKILL');
    await until(async () => {
      const heirs = await this.answering();
      expect(heirs).to.have.length(1);
      expect(heirs[0]).to.not.equal(owner);
    }, PATIENCE_MS);
    host.start();
    await until(async () => expect(await host.isReady()).to.equal(true), PATIENCE_MS);
    await this.allHearBy(transport);
    await this.owner();
  }
}

/**
 * Speakers for a suite of tests, with the addresses of their nodes known to the cluster. `prepare` changes the LAN
 * before the speakers start.
 */
export function useOwnSpeakers(
  name: string,
  prepare: (speakers: SpeakerLab) => void = () => {},
): { readonly own: OwnSpeakers } {
  let own: OwnSpeakers | undefined;
  before(async function () {
    this.timeout(180_000);
    const speakers = await SpeakerLab.up(besideLab(name), [...PACE, '--kube-proxy-health=off']);
    const vip = speakers.vip();
    own = new OwnSpeakers(speakers, vip);
    for (const host of speakers.hosts)
      await host.patchNode({ status: { addresses: [{ type: 'InternalIP', address: host.address }] } }, 'status');
    prepare(speakers);
    await speakers.pools();
    await speakers.whole();
    await speakers.service([vip]);
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') for (const host of own?.hosts ?? []) console.log(host.name, host.log);
  });
  after(async function () {
    this.timeout(60_000);
    await own?.speakers.down();
  });
  return {
    get own() {
      if (!own) throw new Error('own speakers: asked for before they were up');
      return own;
    },
  };
}
