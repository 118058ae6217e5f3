// SPDX-License-Identifier: Apache-2.0

// The history, from what real speakers on a real LAN do to what `kubectl berth history` prints; a real controller keeps
// it.

import { parseCommandLine, run } from '@berth/cli';
import { HISTORY_MAP, type HistoryEntry } from '@berth/core';
import { configMaps, isKubeError } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { withController } from '../support/speaker-controller.ts';
import { CLASS, NAMES, type SpeakerLab, useSpeakers } from '../support/speaker-lab.ts';
import { until } from '../support/until.ts';

/** News are gathered for five seconds, and a write rests for a few more. */
const WRITTEN_MS = 40_000;

/** Entries of `kubectl berth history ARGS -o json`. */
async function historyOf(speakers: SpeakerLab, ...args: readonly string[]): Promise<HistoryEntry[]> {
  const texts: string[] = [];
  const options = ['--berth-namespace', speakers.namespace, '--load-balancer-class', CLASS];
  await run(parseCommandLine([...options, 'history', ...args, '-o', 'json']), {
    out: (text) => texts.push(text),
    err: () => {},
    readFile: async () => '',
    connect: async () => ({ api: speakers.client, namespace: speakers.namespace }),
    clock: systemClock,
  });
  return JSON.parse(texts.join('')) as HistoryEntry[];
}

describe('history', () => {
  const use = useSpeakers();

  afterEach(async () => {
    const { client, namespace } = use.speakers;
    await client.delete(configMaps, { namespace, name: HISTORY_MAP }).catch((error: unknown) => {
      if (!isKubeError(error, 'not-found')) throw error;
    });
  });

  it("HI-16: an owner's death, from whom, to whom, why and for how long; another leader reads on", async () => {
    const { speakers } = use;
    const vips = speakers.vips(3);
    await withController(
      speakers,
      vips.map((vip) => `${vip}/32`),
      async () => {
        for (const vip of vips) await speakers.service([vip]);
        const owners = await speakers.owners(vips);
        await until(async () => expect(await historyOf(speakers)).to.have.length.above(vips.length), WRITTEN_MS);
        const [vip = ''] = vips;
        const dead = owners.get(vip) ?? '';
        const host = speakers.hosts.find(({ name }) => name === dead);
        host?.signal('SIGKILL');
        await until(async () => {
          const [last] = (await historyOf(speakers, vip)).slice(-1);
          expect(last?.from).to.equal(dead);
        }, WRITTEN_MS);
        const entries = await historyOf(speakers, vip);
        expect(entries.map(({ kind, from, why }) => ({ kind, from, why }))).to.deep.equal([
          { kind: 'moved', from: undefined, why: 'new' },
          { kind: 'moved', from: dead, why: 'silent' },
        ]);
        const moved = entries[1];
        expect(moved?.to).to.be.oneOf(NAMES.filter((name) => name !== dead));
        expect(moved?.services).to.deep.equal([`${speakers.namespace}/s-${vip.replaceAll('.', '-')}`]);
        // "Dead after" is 200 ms here or less; more than a second would be another fault.
        expect(moved?.unansweredMs).to.be.within(50, 1000);
      },
    );
    const before = await historyOf(speakers);
    await withController(
      speakers,
      vips.map((vip) => `${vip}/32`),
      async () => {
        await until(async () => {
          const now = await historyOf(speakers);
          expect(now.filter(({ kind }) => kind === 'leader')).to.have.length(2);
        }, WRITTEN_MS);
      },
    );
    const moves = (all: readonly HistoryEntry[]) => all.filter(({ kind }) => kind === 'moved').map(({ id }) => id);
    expect(moves(await historyOf(speakers))).to.deep.equal(moves(before));
  });

  it('HI-10: an order by a person, without a gap', async () => {
    const { speakers } = use;
    await speakers.whole();
    const [vip = ''] = speakers.vips(1);
    await withController(speakers, [`${vip}/32`], async () => {
      await speakers.service([vip]);
      const owner = await speakers.owner(vip);
      await until(async () => expect(await historyOf(speakers, vip)).to.have.length(1), WRITTEN_MS);
      const target = NAMES.find((name) => name !== owner.name) ?? '';
      const options = ['--berth-namespace', speakers.namespace, '--load-balancer-class', CLASS];
      await run(parseCommandLine([...options, 'move', vip, target]), {
        ...{ out: () => {}, err: () => {}, readFile: async () => '', clock: systemClock },
        connect: async () => ({ api: speakers.client, namespace: speakers.namespace }),
      });
      const last = await until(async () => {
        const [found] = (await historyOf(speakers, vip)).slice(-1);
        expect(found?.to).to.equal(target);
        return found;
      }, WRITTEN_MS);
      expect(last).to.include({ from: owner.name, why: 'order', unansweredMs: 0 });
    });
  });
});
