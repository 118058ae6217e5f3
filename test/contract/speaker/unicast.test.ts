// SPDX-License-Identifier: Apache-2.0

// Real speakers on a LAN that eats multicast: they find each other all the same, and agree on one owner.

import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { SpeakerLab } from '../support/speaker-lab.ts';
import { until } from '../support/until.ts';
import type { SpeakerHost } from './speaker-host.ts';

const LAB = 'unicast';
const PATIENCE_MS = 60_000;

describe('speakers on a LAN that eats multicast', () => {
  let speakers: SpeakerLab;
  let hosts: readonly SpeakerHost[] = [];
  let vip: string;

  before(async function () {
    this.timeout(180_000);
    speakers = await SpeakerLab.up(LAB, ['--kube-proxy-health=off']);
    ({ hosts } = speakers);
    await Promise.all(hosts.map(tellAddress));
    for (const host of hosts) multicast(host, 'eat');
    await speakers.whole();
    vip = speakers.vip();
    await speakers.service([vip]);
  });

  afterEach(function () {
    if (this.currentTest?.state === 'failed') for (const host of hosts) console.log(host.name, host.log);
  });

  after(async function () {
    this.timeout(60_000);
    await speakers.down();
  });

  /** What the bridge does with multicast for a host. */
  function multicast(host: SpeakerHost, state: 'eat' | 'pass'): void {
    const argv = ['-n', `berth-${LAB}-lan`, 'link', 'set', 'dev', host.name];
    execFileSync('bridge', [...argv, 'mcast_flood', state === 'eat' ? 'off' : 'on']);
  }

  async function tellAddress(host: SpeakerHost): Promise<void> {
    await host.patchNode({ status: { addresses: [{ type: 'InternalIP', address: host.address }] } }, 'status');
  }

  /** Names of the hosts that answer for the VIP within a second. */
  async function answering(): Promise<string[]> {
    const { stdout } = await speakers.lab.tryExec('client', ['arping', '-w', '1', '-I', 'eth0', vip]);
    const macs = new Set(
      [...stdout.matchAll(/\[([0-9A-Fa-f:]{17})\]/g)].map((match) => (match[1] ?? '').toLowerCase()),
    );
    return [...macs].map((mac) => hosts.find((host) => host.mac === mac)?.name ?? mac);
  }

  const hears = (host: SpeakerHost) => host.metric('berth_speaker_members', 'interface="eth0",hearing="both"');
  const transport = (host: SpeakerHost, name: string) => host.metric('berth_speaker_transport', `transport="${name}"`);

  it('all hear each other by unicast, say so, and one answers', async () => {
    for (const host of hosts) await until(async () => expect(await hears(host)).to.equal(2), PATIENCE_MS);
    for (const host of hosts)
      await until(async () => expect(await transport(host, 'unicast')).to.equal(1), PATIENCE_MS);
    await until(async () => expect(await answering()).to.have.length(1), PATIENCE_MS);
  }).timeout(180_000);

  it('a crash is noticed as fast as ever: another one takes over', async () => {
    const [owner = ''] = await until(async () => {
      const found = await answering();
      expect(found).to.have.length(1);
      return found;
    }, PATIENCE_MS);
    const host = hosts.find(({ name }) => name === owner);
    host?.signal('SIGKILL');
    await until(async () => {
      const heirs = await answering();
      expect(heirs).to.have.length(1);
      expect(heirs[0]).to.not.equal(owner);
    }, PATIENCE_MS);
    host?.start();
    await until(async () => expect(await host?.isReady()).to.equal(true), PATIENCE_MS);
    for (const one of hosts) await until(async () => expect(await hears(one)).to.equal(2), PATIENCE_MS);
    await until(async () => expect(await answering()).to.have.length(1), PATIENCE_MS);
  }).timeout(180_000);

  it('nodes for which multicast passes again go back to it', async () => {
    for (const host of hosts) multicast(host, 'pass');
    for (const host of hosts)
      await until(async () => expect(await transport(host, 'multicast')).to.equal(1), PATIENCE_MS);
    for (const host of hosts) expect(await hears(host)).to.equal(2);
    expect(await answering()).to.have.length(1);
  }).timeout(180_000);
});
