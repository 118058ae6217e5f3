// SPDX-License-Identifier: Apache-2.0

// Real speakers on a LAN that eats multicast: they find each other all the same, and agree on one owner.

import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { useOwnSpeakers } from '../support/own-speakers.ts';
import type { SpeakerLab } from '../support/speaker-lab.ts';

describe('speakers on a LAN that eats multicast', function () {
  this.timeout(180_000);
  const use = useOwnSpeakers('cast', (speakers) => multicast(speakers, 'eat'));

  /** What the bridge does with multicast for all hosts. */
  function multicast({ lab, hosts }: SpeakerLab, state: 'eat' | 'pass'): void {
    for (const { name } of hosts) {
      const argv = ['-n', `berth-${lab.name}-lan`, 'link', 'set', 'dev', name];
      execFileSync('bridge', [...argv, 'mcast_flood', state === 'eat' ? 'off' : 'on']);
    }
  }

  it('all hear each other by unicast, say so, and one answers', async () => {
    await use.own.allHearBy('unicast');
    await use.own.owner();
  });

  it('a crash is noticed by unicast: another one takes over', () => use.own.crash('unicast'));

  it('nodes for which multicast passes again go back to it', async () => {
    multicast(use.own.speakers, 'pass');
    await use.own.allHearBy('multicast');
    expect(await use.own.answering()).to.have.length(1);
  });
});
