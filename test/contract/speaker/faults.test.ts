// SPDX-License-Identifier: Apache-2.0

// A split segment, a node that is not heard, an API server that is away, a frozen process: what clients see of it on
// the wire.

import { setTimeout as delay } from 'node:timers/promises';
import { decodeNodeState, NODE_STATE_ANNOTATION, nodeLeaseName } from '@berth/core';
import { leases } from '@berth/kube';
import { expect } from 'chai';
import { answeredTwice, answerers, questionsIn } from '../../support/wire-record.ts';
import { monotonicMs, type WireWatch } from '../../support/wire-watch.ts';
import { useSpeakers } from '../support/speaker-lab.ts';
import { ASK_EVERY_MS, useTwoSides } from '../support/two-sides.ts';
import { until } from '../support/until.ts';
import type { SpeakerHost } from './speaker-host.ts';

/** Two heartbeats of the speakers of these tests, and what a machine that tests other things beside may add. */
const TWO_HEARTBEATS_MS = 2 * 50;
const BUSY_MACHINE_MS = 200;
/** That nothing happens any more is looked at for so long. */
const CALM_MS = 5_000;
const MINUTE_MS = 60_000;

describe('faults', function () {
  this.timeout(180_000);
  const use = useSpeakers();
  const lan = useTwoSides(use);

  /**
   * Waits until for some time each VIP is answered by one node only, and that is one of these; returns the MAC by VIP.
   */
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
    const vips = [...(await lan.makeVips(6)).keys()];
    const edge3 = speakers.host('edge-3');
    const splitMs = await lan.faults.split([edge3.name, lan.farHost.name]);
    await answeredBy(lan.near, vips, speakers.others(edge3));
    await answeredBy(lan.far, vips, [edge3]);
    const healedMs = await lan.faults.heal();
    const winners = await answeredBy(lan.near, vips, speakers.hosts);
    expect(await answeredBy(lan.far, vips, speakers.hosts)).to.deep.equal(winners);

    const dueMs = healedMs + TWO_HEARTBEATS_MS + BUSY_MACHINE_MS;
    for (const watch of [lan.near, lan.far]) {
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

  it('HO-19: an owner that hears and is not heard stays the owner, since it answers', async () => {
    const { speakers } = use;
    const owners = await lan.makeVips(1);
    const [vip = ''] = owners.keys();
    const owner = owners.get(vip) ?? speakers.host('edge-1');
    const before = await termOf(vip, owner);
    const sinceMs = await lan.faults.mute(owner.name);
    await delay(CALM_MS);
    const record = await lan.near.take();
    const questions = questionsIn(record, { fromMs: sinceMs }, vip);
    expect(answerers(questions)).to.deep.equal([owner.mac]);
    expect(answeredTwice(questions)).to.deep.equal([]);
    expect(await termOf(vip, owner)).to.equal(before);
  });

  it('HO-20: without the API server no owner changes in a minute, and one that is killed is replaced', async () => {
    const { speakers } = use;
    const owners = await lan.makeVips(6);
    const vips = [...owners.keys()];
    await speakers.lab.cable('cp', 'down');
    const startMs = monotonicMs();
    try {
      await delay(MINUTE_MS / 2);
      const quiet = await lan.near.take();
      for (const vip of vips) expect(answerers(questionsIn(quiet, {}, vip)), vip).to.deep.equal([owners.get(vip)?.mac]);

      const victim = owners.get(vips[0] ?? '') ?? speakers.host('edge-1');
      const dead = victim.mac;
      victim.signal('SIGKILL');
      const now = await answeredBy(lan.near, vips, speakers.others(victim));
      for (const vip of vips) {
        const before = owners.get(vip)?.mac;
        if (before !== dead) expect(now.get(vip), vip).to.equal(before);
      }
      await lan.near.take();
      await delay(startMs + MINUTE_MS - monotonicMs());
      const rest = await lan.near.take();
      for (const vip of vips) expect(answerers(questionsIn(rest, {}, vip)), vip).to.deep.equal([now.get(vip)]);
    } finally {
      await speakers.lab.cable('cp', 'up');
    }
    await until(() => speakers.lab.kubectl(['get', 'nodes', '--request-timeout=2s']), 30_000, 500);
  });

  it('HO-25: an owner that is stopped for a minute was silent before a peer took over, and stays so', async () => {
    const { speakers } = use;
    const owners = await lan.makeVips(3);
    const vips = [...owners.keys()];
    const frozen = owners.get(vips[0] ?? '') ?? speakers.host('edge-1');
    const lost = vips.filter((vip) => owners.get(vip) === frozen);
    const { mac } = frozen;
    frozen.signal('SIGSTOP');
    const stoppedMs = monotonicMs();
    try {
      await answeredBy(lan.near, vips, speakers.others(frozen));
      for (const vip of lost) {
        const answers = questionsIn(await lan.near.look(), { fromMs: stoppedMs }, vip).flatMap((one) => one.answers);
        const lastMs = Math.max(0, ...answers.filter((one) => one.mac === mac).map(({ atMs }) => atMs));
        const firstMs = Math.min(...answers.filter((one) => one.mac !== mac).map(({ atMs }) => atMs));
        expect(lastMs, vip).to.be.lessThan(firstMs);
      }
      await delay(stoppedMs + MINUTE_MS - monotonicMs());
      await lan.near.take();
    } finally {
      frozen.signal('SIGCONT');
    }
    await delay(CALM_MS);
    const record = await lan.near.take();
    expect(record.announcements.filter((one) => one.mac === mac && lost.includes(one.vip))).to.deep.equal([]);
    for (const vip of lost) {
      expect(answerers(questionsIn(record, {}, vip)), vip).to.have.length(1);
      expect(answerers(questionsIn(record, {}, vip)), vip).not.to.include(mac);
    }
  });
});
