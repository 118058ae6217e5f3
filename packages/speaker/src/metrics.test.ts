// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { ServedVip } from './layer2/wire.ts';
import { type MetricSources, Metrics } from './metrics.ts';
import { ip } from './testing.ts';

const NOTHING: Omit<MetricSources, 'served'> = {
  nodeName: 'edge-1',
  vipCounters: () => [],
  outcomes: () => new Map(),
  segments: () => [],
  engine: 'kernel',
  beats: { rounds: 0, lapses: 0 },
  membership: {
    loops: () => [],
    notReachedOn: () => [],
    worstDelayMs: () => 0,
    transport: 'multicast',
    clock: { now: () => 0 },
  },
  conflicts: {
    conflicts: () => [],
    notAnnounced: () => [],
    ready: 0,
    outside: [],
    reachability: {
      selfTest: {
        counts: { right: 0, 'no-answer': 0, 'wrong-answer': 0, 'several-answers': 0 },
        unreachable: () => [],
      },
    },
    probes: { 'at-need': 0, ahead: 0 },
    counts: { defences: 0, before: 0, inUse: 0 },
  },
  answering: {
    segments: () => [],
    answerOn: () => 'engine',
    isLeaking: () => false,
    lacking: 0,
    news: () => [],
    outside: () => [],
  },
  spread: {
    obstacle: undefined,
    excess: 0,
    conntrackFill: 0,
    keeper: 'none' as const,
    ownStrays: 3,
    commits: () => [],
    packets: () => [],
    plannedMoves: { kept: 0, plain: 0 },
    keeping: 0,
  },
  pools: { isStale: false },
};

function servedVip(vip: string, ...interfaces: string[]): ServedVip {
  return { vip: ip(vip), services: ['shop/web'], interfaces };
}

describe('Metrics', () => {
  let served: ServedVip[];
  let metrics: Metrics;
  const sent = async () =>
    (await metrics.text()).split('\n').filter((line) => line.startsWith('berth_speaker_gratuitous_sent_total{'));

  beforeEach(() => {
    served = [servedVip('192.0.2.7', 'eth0', 'eth1'), servedVip('2001:db8::7', 'eth0')];
    metrics = new Metrics();
    metrics.readFrom({ ...NOTHING, served: () => served });
  });

  it('counts the announcements of each VIP on each interface', async () => {
    for (const ifname of ['eth0', 'eth1', 'eth0']) metrics.announced('192.0.2.7', ifname);
    metrics.announced('2001:db8::7', 'eth0');
    expect(await sent()).to.deep.equal([
      'berth_speaker_gratuitous_sent_total{ip="192.0.2.7",interface="eth0"} 2',
      'berth_speaker_gratuitous_sent_total{ip="192.0.2.7",interface="eth1"} 1',
      'berth_speaker_gratuitous_sent_total{ip="2001:db8::7",interface="eth0"} 1',
    ]);
  });

  it('forgets a VIP that was withdrawn, and counts anew when it is back', async () => {
    metrics.announced('192.0.2.7', 'eth0');
    metrics.announced('2001:db8::7', 'eth0');
    served = [servedVip('192.0.2.7')];
    expect(await sent()).to.deep.equal([]);
    served = [servedVip('192.0.2.7', 'eth0')];
    metrics.announced('192.0.2.7', 'eth0');
    expect(await sent()).to.deep.equal(['berth_speaker_gratuitous_sent_total{ip="192.0.2.7",interface="eth0"} 1']);
  });
});
