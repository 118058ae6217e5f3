// SPDX-License-Identifier: Apache-2.0

// Short faults that keep the carrier, and heartbeats that are lost while everything else arrives: what moves, and what
// people are told.

import { setTimeout as delay } from 'node:timers/promises';
import { events, nodes } from '@berth/kube';
import { expect } from 'chai';
import type { LanFaults } from '../../support/lan-faults.ts';
import { answeredTwice, answerers, questionsIn } from '../../support/wire-record.ts';
import { monotonicMs, type WireWatch } from '../../support/wire-watch.ts';
import { conditionOf, withController } from '../support/speaker-controller.ts';
import { useSpeakers } from '../support/speaker-lab.ts';
import { restartSpeakers, useTwoSides } from '../support/two-sides.ts';
import { until } from '../support/until.ts';
import type { SpeakerHost } from './speaker-host.ts';

/** Of the speakers of these tests. */
const DEAD_AFTER_MS = 600;
const PATIENCE_MS = 2_000;
/** What people must have been told after. */
const TOLD_MS = 2_000;
/** What a machine that tests other things beside may add. */
const BUSY_MACHINE_MS = 1_000;
const SETTLE_MS = 3_000;

describe('short faults', function () {
  this.timeout(120_000);
  const use = useSpeakers();
  const lan = useTwoSides(use);

  /** Who answered for each VIP. */
  async function seenBy(watch: WireWatch, vips: Iterable<string>): Promise<Map<string, string[]>> {
    const record = await watch.look();
    return new Map([...vips].map((vip) => [vip, answerers(questionsIn(record, {}, vip))]));
  }

  it('BL-01: a node that is cut for twice the time after which it counts as dead moves no VIP of another', async () => {
    const { speakers } = use;
    const owners = await lan.makeVips(9);
    const cut = speakers.host('edge-3');
    await lan.faults.split([cut.name]);
    await delay(2 * DEAD_AFTER_MS);
    const healedMs = await lan.faults.heal();
    await delay(SETTLE_MS);
    const seen = await seenBy(lan.near, owners.keys());
    for (const [vip, owner] of owners)
      if (owner !== cut) expect(seen.get(vip), `${vip} of ${owner.name}`).to.deep.equal([owner.mac]);
    const record = await lan.near.take();
    for (const vip of owners.keys()) {
      const after = questionsIn(record, { fromMs: healedMs + BUSY_MACHINE_MS }, vip);
      expect(answerers(after), vip).to.have.length(1);
      expect(answeredTwice(questionsIn(record, { untilMs: healedMs - 1 }, vip)), vip).to.deep.equal([]);
    }
  });

  const filters: { name: string; apply(faults: LanFaults, host: SpeakerHost): Promise<number>; lost: number }[] = [
    { name: 'of one node', apply: (lanFaults, host) => lanFaults.filterHeartbeats(host.name), lost: 1 },
    { name: 'of all nodes', apply: (lanFaults) => lanFaults.filterHeartbeats(), lost: 2 },
    { name: 'from one node', apply: (lanFaults, host) => lanFaults.mute(host.name), lost: 1 },
  ];
  for (const { name, apply, lost } of filters) {
    it(`BL-02: lost heartbeats ${name} move nothing, and no question has two answers`, async () => {
      const { speakers } = use;
      const owners = await lan.makeVips(6);
      const beganMs = await apply(lan.faults, speakers.host('edge-3'));
      const [one] = speakers.hosts;
      const leftMs = DEAD_AFTER_MS + TOLD_MS + BUSY_MACHINE_MS;
      await until(
        async () =>
          expect(await one?.metric('berth_speaker_members', 'interface="eth0",hearing="lost"')).to.equal(lost),
        leftMs,
      );
      await delay(beganMs + 4 * DEAD_AFTER_MS + PATIENCE_MS - monotonicMs());
      await lan.faults.heal();
      await delay(SETTLE_MS);
      for (const watch of [lan.near, lan.far]) {
        const seen = await seenBy(watch, owners.keys());
        for (const [vip, owner] of owners) expect(seen.get(vip), vip).to.deep.equal([owner.mac]);
        expect(answeredTwice((await watch.take()).questions)).to.deep.equal([]);
      }
      expect(await one?.metric('berth_speaker_members', 'interface="eth0",hearing="both"')).to.equal(2);
    });
  }

  it('BL-05: lost heartbeats are told within two seconds: condition, Event, metric; and when they are back', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    await withController(speakers, [`${vip}/32`], async () => {
      const name = await speakers.service([vip]);
      const owner = await speakers.owner(vip);
      const [other] = speakers.others(owner);
      await until(async () =>
        expect(await conditionOf(speakers, name, 'berth.dev/Announced')).to.match(/^True Announced/),
      );
      const beganMs = await lan.faults.filterHeartbeats(owner.name);
      const leftMs = () => Math.max(1, beganMs + DEAD_AFTER_MS + TOLD_MS + BUSY_MACHINE_MS - monotonicMs());
      await until(
        async () => expect(await conditionOf(speakers, name, 'berth.dev/Announced')).to.match(/^True HeartbeatsLost/),
        leftMs(),
        50,
      );
      expect(await other?.metric('berth_speaker_members', 'interface="eth0",hearing="lost"')).to.equal(1);
      await until(async () => expect(await eventsOn(owner.name)).to.include('HeartbeatsLost'));
      await lan.faults.heal();
      await until(async () =>
        expect(await conditionOf(speakers, name, 'berth.dev/Announced')).to.match(/^True Announced/),
      );
      await until(async () => expect(await eventsOn(owner.name)).to.include('HeartbeatsBack'));
    });
  });

  async function eventsOn(node: string): Promise<(string | undefined)[]> {
    const { client } = use.speakers;
    const { uid } = (await client.get(nodes, { name: node })).metadata;
    const { items } = await client.list(events, { namespace: 'default' });
    return items.filter(({ involvedObject }) => involvedObject?.uid === uid).map(({ reason }) => reason);
  }

  const pairs = [
    { id: 'WT-05', gateway: 'near', what: 'with a gateway on its side the other one takes over at once' },
    { id: 'WT-06', gateway: 'none', what: 'without a gateway both serve after the patience' },
  ] as const;
  for (const { id, gateway, what } of pairs) {
    it(`${id}: two nodes, one of them cut: ${what}; healed, one stays`, async () => {
      const { speakers } = use;
      // Who asked before would be a witness; the clients of this test ask from addresses that no one has.
      await restartSpeakers(speakers);
      speakers.host('edge-1').signal('SIGTERM');
      await until(() => expect(speakers.host('edge-1').isRunning).to.equal(false), 20_000);
      const [stays, cut] = [speakers.host('edge-2'), speakers.host('edge-3')];
      const via = await addressOfClient();
      if (gateway === 'near')
        for (const host of [stays, cut]) host.run('ip', 'route', 'replace', 'default', 'via', via);
      try {
        const owners = await lan.makeVips(6);
        const splitMs = await lan.faults.split([cut.name, lan.farHost.name]);
        await delay(DEAD_AFTER_MS + PATIENCE_MS + 2 * BUSY_MACHINE_MS);
        const [atNear, atFar] = [await lan.near.look(), await lan.far.look()];
        for (const [vip, owner] of owners) {
          const ofNear = questionsIn(atNear, { fromMs: splitMs }, vip);
          const ofFar = questionsIn(atFar, { fromMs: splitMs }, vip);
          const [takenNear, takenFar] = [firstMs(ofNear, stays) - splitMs, firstMs(ofFar, cut) - splitMs];
          // The side without a witness serves its own clients after the patience.
          if (owner === stays) expect(answerers(ofNear), vip).to.deep.equal([stays.mac]);
          if (owner === stays) expect(takenFar, `${vip} at the far side`).to.be.at.least(PATIENCE_MS);
          if (owner === cut && gateway === 'near') expect(takenNear, vip).to.be.below(DEAD_AFTER_MS + BUSY_MACHINE_MS);
          if (owner === cut && gateway === 'none') expect(takenNear, vip).to.be.at.least(PATIENCE_MS);
        }
        const healedMs = await lan.faults.heal();
        await delay(SETTLE_MS);
        const record = await lan.near.take();
        for (const [vip, owner] of owners) {
          const [only, ...more] = answerers(questionsIn(record, { fromMs: healedMs + BUSY_MACHINE_MS }, vip));
          expect(more, vip).to.deep.equal([]);
          if (owner === stays) expect(only, vip).to.equal(stays.mac);
        }
      } finally {
        if (gateway === 'near') for (const host of [stays, cut]) host.run('ip', 'route', 'delete', 'default');
      }
    });
  }

  async function addressOfClient(): Promise<string> {
    const text = await use.speakers.lab.exec('client', ['ip', '-json', '-4', 'address', 'show', 'dev', 'eth0']);
    return JSON.parse(text)[0].addr_info[0].local;
  }

  /** When a host first answered; NaN when it never did, which is above and below nothing. */
  function firstMs(questions: ReturnType<typeof questionsIn>, { mac }: SpeakerHost): number {
    const answers = questions.flatMap((one) => one.answers.filter((answer) => answer.mac === mac));
    return answers[0]?.atMs ?? Number.NaN;
  }
});
