// SPDX-License-Identifier: Apache-2.0

// A split segment, a node that is not heard, an API server that is away, a frozen process: what clients see of it on the wire.

import { setTimeout as delay } from 'node:timers/promises';
import { decodeNodeState, NODE_STATE_ANNOTATION, nodeLeaseName } from '@berth/core';
import { leases } from '@berth/kube';
import { expect } from 'chai';
import { LanFaults } from '../../support/lan-faults.ts';
import { LanHost } from '../../support/lan-host.ts';
import { answeredTwice, answerers, questionsIn } from '../../support/wire-record.ts';
import { monotonicMs, WireWatch } from '../../support/wire-watch.ts';
import { useSpeakers } from '../support/speaker-lab.ts';
import { until } from '../support/until.ts';
import type { SpeakerHost } from './speaker-host.ts';

/** Two heartbeats of the speakers of these tests, and what a machine that tests other things beside may add. */
const TWO_HEARTBEATS_MS = 2 * 50;
const BUSY_MACHINE_MS = 200;
const ASK_EVERY_MS = 20;
/** That nothing happens any more is looked at for so long. */
const CALM_MS = 5_000;
const MINUTE_MS = 60_000;

describe('faults', function () {
  this.timeout(180_000);
  const use = useSpeakers();
  let near: WireWatch;
  let far: WireWatch;
  let farHost: LanHost;
  let faults: LanFaults;

  before(async () => {
    const { lab } = use.speakers;
    // These nodes have no kube-proxy, and would hand their VIPs around when they notice that.
    process.env.KUBE_PROXY_HEALTH = 'off';
    await restartSpeakers();
    farHost = new LanHost({ labName: lab.name, name: 'far' });
    await farHost.up();
    near = await WireWatch.start({ namespace: lab.namespaceOf('client') });
    far = await WireWatch.start({ namespace: farHost.namespace });
    faults = new LanFaults(lab.name);
  });

  beforeEach(() => faults.heal());

  after(async () => {
    await faults.heal();
    faults.close();
    await Promise.all([near.stop(), far.stop()]);
    await farHost.down();
    delete process.env.KUBE_PROXY_HEALTH;
    await restartSpeakers();
  });

  async function restartSpeakers(): Promise<void> {
    for (const host of use.speakers.hosts) host.signal('SIGTERM');
    await until(() => expect(use.speakers.hosts.filter(({ isRunning }) => isRunning)).to.deep.equal([]), 30_000);
    await use.speakers.whole();
  }

  /** Makes Services and waits until each VIP has an owner; both clients ask for all of them from then on. */
  async function makeVips(count: number): Promise<{ vips: string[]; owners: Map<string, SpeakerHost> }> {
    const { speakers } = use;
    const vips = speakers.vips(count);
    for (const vip of vips) await speakers.service([vip]);
    const names = await speakers.owners(vips);
    await Promise.all([near, far].map((watch) => watch.ask(vips, ASK_EVERY_MS)));
    return { vips, owners: new Map(vips.map((vip) => [vip, speakers.host(names.get(vip) ?? '')])) };
  }

  /** Waits until for some time each VIP is answered by one node only, and that is one of these; returns the MAC by VIP. */
  function answeredBy(watch: WireWatch, vips: readonly string[], hosts: readonly SpeakerHost[]) {
    const allowed = hosts.map(({ mac }) => mac);
    return until(async () => {
      const fromMs = monotonicMs();
      await delay(10 * ASK_EVERY_MS);
      const record = await watch.look();
      const found = vips.map((vip): [string, string[]] => [vip, answerers(questionsIn(record, { fromMs }, vip))]);
      for (const [vip, macs] of found) expect(macs, vip).to.have.length(1);
      for (const [vip, [mac]] of found) expect(allowed, vip).to.include(mac);
      return new Map(found.map(([vip, [mac = '']]) => [vip, mac]));
    }, 30_000);
  }

  /** The term of a VIP by the word of its owner. */
  async function termOf(vip: string, owner: SpeakerHost): Promise<number> {
    const { client, namespace } = use.speakers;
    return until(async () => {
      const lease = await client.get(leases, { namespace, name: nodeLeaseName(owner.name) });
      const state = decodeNodeState(lease.metadata.annotations?.[NODE_STATE_ANNOTATION] ?? '');
      const owned = state.ok ? state.value.owned.find((one) => String(one.vip) === vip) : undefined;
      if (!owned) throw new Error(`${owner.name} does not say that it owns ${vip}`);
      return owned.term;
    });
  }

  it('HO-18: a split segment has an owner on each side, and one within two heartbeats of healing', async () => {
    const { speakers } = use;
    const { vips } = await makeVips(6);
    const edge3 = speakers.host('edge-3');
    const splitMs = await faults.split([edge3.name, farHost.name]);
    await answeredBy(near, vips, speakers.others(edge3));
    await answeredBy(far, vips, [edge3]);
    const healedMs = await faults.heal();
    const winners = await answeredBy(near, vips, speakers.hosts);
    expect(await answeredBy(far, vips, speakers.hosts)).to.deep.equal(winners);

    const dueMs = healedMs + TWO_HEARTBEATS_MS + BUSY_MACHINE_MS;
    for (const watch of [near, far]) {
      const record = await watch.take();
      expect(answeredTwice(questionsIn(record, { fromMs: splitMs + 100, untilMs: healedMs - 1 }))).to.deep.equal([]);
      for (const vip of vips) {
        const winner = winners.get(vip);
        const announcing = record.announcements.filter((one) => one.vip === vip && one.atMs > healedMs);
        expect(
          announcing.map(({ mac }) => mac),
          vip,
        ).to.include(winner);
        const late = announcing.filter(({ atMs, mac }) => atMs > dueMs && mac !== winner);
        expect(late, vip).to.deep.equal([]);
        expect(answerers(questionsIn(record, { fromMs: dueMs }, vip)), vip).to.deep.equal([winner]);
      }
    }
  });

  it('HO-19: an owner that hears and is not heard gives way to a peer with a higher term, for good', async () => {
    const { speakers } = use;
    const { vips, owners } = await makeVips(1);
    const [vip = ''] = vips;
    const owner = owners.get(vip) ?? speakers.host('edge-1');
    const before = await termOf(vip, owner);
    await faults.mute(owner.name);
    const taken = await answeredBy(near, vips, speakers.others(owner));
    const heir = speakers.hosts.find(({ mac }) => mac === taken.get(vip));
    expect(await termOf(vip, heir ?? owner)).to.be.greaterThan(before);
    const sinceMs = monotonicMs();
    await delay(CALM_MS);
    const record = await near.take();
    expect(answerers(questionsIn(record, { fromMs: sinceMs }, vip))).to.deep.equal([heir?.mac]);
    expect(heir?.name).not.to.equal(owner.name);
  });

  it('HO-20: without the API server no owner changes in a minute, and one that is killed is replaced', async () => {
    const { speakers } = use;
    const { vips, owners } = await makeVips(6);
    await speakers.lab.cable('cp', 'down');
    const startMs = monotonicMs();
    try {
      await delay(MINUTE_MS / 2);
      const quiet = await near.take();
      for (const vip of vips) expect(answerers(questionsIn(quiet, {}, vip)), vip).to.deep.equal([owners.get(vip)?.mac]);

      const victim = owners.get(vips[0] ?? '') ?? speakers.host('edge-1');
      const dead = victim.mac;
      victim.signal('SIGKILL');
      const now = await answeredBy(near, vips, speakers.others(victim));
      for (const vip of vips) {
        const before = owners.get(vip)?.mac;
        if (before !== dead) expect(now.get(vip), vip).to.equal(before);
      }
      await near.take();
      await delay(startMs + MINUTE_MS - monotonicMs());
      const rest = await near.take();
      for (const vip of vips) expect(answerers(questionsIn(rest, {}, vip)), vip).to.deep.equal([now.get(vip)]);
    } finally {
      await speakers.lab.cable('cp', 'up');
    }
    await until(() => speakers.lab.kubectl(['get', 'nodes', '--request-timeout=2s']), 30_000, 500);
  });

  it('HO-25: an owner that is stopped for a minute was silent before a peer took over, and stays so', async () => {
    const { speakers } = use;
    const { vips, owners } = await makeVips(3);
    const frozen = owners.get(vips[0] ?? '') ?? speakers.host('edge-1');
    const lost = vips.filter((vip) => owners.get(vip) === frozen);
    const { mac } = frozen;
    frozen.signal('SIGSTOP');
    const stoppedMs = monotonicMs();
    try {
      await answeredBy(near, vips, speakers.others(frozen));
      for (const vip of lost) {
        const answers = questionsIn(await near.look(), { fromMs: stoppedMs }, vip).flatMap((one) => one.answers);
        const lastMs = Math.max(0, ...answers.filter((one) => one.mac === mac).map(({ atMs }) => atMs));
        const firstMs = Math.min(...answers.filter((one) => one.mac !== mac).map(({ atMs }) => atMs));
        expect(lastMs, vip).to.be.lessThan(firstMs);
      }
      await delay(stoppedMs + MINUTE_MS - monotonicMs());
      await near.take();
    } finally {
      frozen.signal('SIGCONT');
    }
    await delay(CALM_MS);
    const record = await near.take();
    expect(record.announcements.filter((one) => one.mac === mac && lost.includes(one.vip))).to.deep.equal([]);
    for (const vip of lost) {
      expect(answerers(questionsIn(record, {}, vip)), vip).to.have.length(1);
      expect(answerers(questionsIn(record, {}, vip)), vip).not.to.include(mac);
    }
  });
});
