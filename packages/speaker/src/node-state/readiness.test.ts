// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { Segment } from '../layer2/segments.ts';
import { mac } from '../testing.ts';
import { type ReadinessFacts, whyNotReady } from './readiness.ts';

const LAN0: Segment = { ifindex: 4, ifname: 'lan0', mac: mac(4), families: ['IPv4'] };
const LAN1: Segment = { ifindex: 5, ifname: 'lan1', mac: mac(5), families: ['IPv4'] };

type Phase = ReadinessFacts['joined'][number]['loop']['state']['phase'];

function joined(
  segment: Segment,
  phase: Phase,
  blockedUntilMs = Number.NEGATIVE_INFINITY,
): ReadinessFacts['joined'][number] {
  return { segment, loop: { state: { phase, blockedUntilMs } } };
}

const ACTIVE: ReadinessFacts = {
  waitsFor: undefined,
  isLive: true,
  segments: [LAN0],
  joined: [joined(LAN0, 'active')],
  isAttached: () => true,
  lacking: 0,
};

describe('whyNotReady', () => {
  for (const { name, facts, why } of [
    { name: 'AT-09: ready when it is active and attached', facts: {}, why: undefined },
    {
      name: 'names what it waits for',
      facts: { waitsFor: 'Secret x/heartbeat' },
      why: 'waiting for Secret x/heartbeat',
    },
    { name: 'AT-09: not before it takes part', facts: { isLive: false }, why: 'starting or ending' },
    {
      name: 'AT-09: not while it listens',
      facts: { joined: [joined(LAN0, 'listening')] },
      why: 'interface "lan0" is listening',
    },
    {
      name: 'AT-09: not while it leaves',
      facts: { joined: [joined(LAN0, 'leaving')] },
      why: 'interface "lan0" is leaving',
    },
    { name: 'not while a segment is not joined', facts: { joined: [] }, why: 'interface "lan0" is not joined' },
    {
      name: 'AT-09: not while one of two segments is not active',
      facts: { segments: [LAN0, LAN1], joined: [joined(LAN0, 'active'), joined(LAN1, 'listening')] },
      why: 'interface "lan1" is listening',
    },
    {
      name: 'an interface that leaves its segment to another one of the node does not count',
      facts: { segments: [LAN0, LAN1], joined: [joined(LAN0, 'active'), joined(LAN1, 'listening', 500)] },
      why: undefined,
    },
    {
      name: 'a node that may take part nowhere, since its name is taken, is not ready',
      facts: { joined: [joined(LAN0, 'listening', 500)] },
      why: 'interface "lan0" is listening',
    },
    {
      name: 'AT-08: not while nothing answers there',
      facts: { isAttached: () => false },
      why: 'nothing can answer on interface "lan0"',
    },
    { name: 'AT-05: not while there is no room for a VIP', facts: { lacking: 3 }, why: 'no room for 3 VIPs' },
    { name: 'a node without a segment does not hold up others', facts: { segments: [], joined: [] }, why: undefined },
  ]) {
    it(name, () => expect(whyNotReady({ ...ACTIVE, ...facts }, 100)).to.equal(why));
  }
});
