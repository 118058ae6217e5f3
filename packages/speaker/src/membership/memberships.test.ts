// SPDX-License-Identifier: Apache-2.0
import { ANNOUNCE_EVERYTHING, decodeEthernet, HEARTBEAT_GROUP_MAC, type L2Advertisement, timingOf } from '@berth/core';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { HeartbeatKeys } from '../cluster/heartbeat-keys.ts';
import type { WantedVip } from '../cluster/wanted-vips.ts';
import type { Segment } from '../layer2/segments.ts';
import { FakeBeatThread, frameCounter, ip, mac, NO_QUESTIONS, node } from '../testing.ts';
import { openFrame } from './heartbeat-frames.ts';
import type { SegmentSocket } from './loop-options.ts';
import { Memberships } from './memberships.ts';
import type { MembershipsOptions } from './memberships-options.ts';
import type { Answers } from './segment-questions.ts';

const NODES = [node('edge-1'), node('edge-2')];
const VIPS = ['203.0.113.20', '203.0.113.21', '203.0.113.22', '203.0.113.23'];

/** A cable between sockets: what one sends all others receive, unless they are unplugged. */
class Cable {
  readonly frames: Uint8Array[] = [];
  readonly unplugged = new Set<string>();
  readonly #receivers = new Map<string, (frame: { readonly bytes: Uint8Array }) => void>();

  send(name: string, bytes: Uint8Array): true {
    this.frames.push(bytes);
    for (const [other, receive] of this.#receivers)
      if (other !== name && !this.unplugged.has(name) && !this.unplugged.has(other)) receive({ bytes });
    return true;
  }

  plug(name: string): SegmentSocket {
    return {
      send: (bytes) => this.send(name, bytes),
      receive: (onFrame) => this.#receivers.set(name, onFrame),
      close: () => this.#receivers.delete(name),
    };
  }
}

function keysOf(secret: string): HeartbeatKeys {
  const made = HeartbeatKeys.of({ current: new TextEncoder().encode(secret) });
  if (!made.ok) throw new Error(made.problem);
  return made.keys;
}

interface SpeakerParts {
  readonly memberships: Memberships;
  readonly announced: string[];
  owned(): string[];
  /** How often what is owned was looked at. */
  follows(): number;
  want(policies?: readonly L2Advertisement[], vips?: readonly string[]): void;
}

function speaker(number: number, clock: FakeClock, cable: Cable, rest: Partial<MembershipsOptions> = {}): SpeakerParts {
  const timing = timingOf({ takeoverPatienceMs: 0 });
  if (!timing.ok) throw new Error(timing.problems.join());
  const nodeName = `edge-${number}`;
  const announced: string[] = [];
  let owned: string[] = [];
  let follows = 0;
  const nextCounter = rest.source?.nextCounter ?? frameCounter();
  const apply = () => {
    follows += 1;
    owned = memberships.owned().map(({ vip, interfaces }) => `${vip} ${interfaces}`);
  };
  const memberships: Memberships = new Memberships({
    nodeName,
    bootId: `${number}`.padStart(16, '0'),
    timing: timing.timing,
    rebalance: 'off',
    eligibility: {},
    localNodes: () => undefined,
    source: {
      clusterId: '00000000000000aa',
      keys: () => keysOf('one secret for all of them'),
      nextCounter,
    },
    clock,
    answerer: { expire: () => undefined },
    thread: new FakeBeatThread({ clock, nextCounter, send: (bytes) => cable.send(nodeName, bytes) }),
    segments: () => [segment(number)],
    answering: { isAttached: () => true, lacks: () => false },
    openSocket: () => cable.plug(nodeName),
    // No owner answers, and a host beside the speakers does.
    openQuestions: (_segment, answers) => ({ ...NO_QUESTIONS, askWitnesses: witness(clock, answers) }),
    ...rest,
  });
  memberships.news.ownership.subscribe(apply);
  memberships.news.additions.subscribe(apply);
  memberships.news.announcements.subscribe((vip) => announced.push(String(vip)));
  return {
    memberships,
    announced,
    owned: () => owned,
    follows: () => follows,
    want(policies = [ANNOUNCE_EVERYTHING], vips = VIPS) {
      const wanted: WantedVip[] = vips.map((vip) => ({
        service: 'shop/web',
        vip: ip(vip),
        policies,
        wasAnnounced: false,
      }));
      memberships.want(wanted, NODES);
      apply();
    },
  };
}

function witness(clock: FakeClock, { onWitnessed }: Answers): () => void {
  return () => {
    clock.after(0, onWitnessed);
  };
}

function segment(number: number): Segment {
  return { ifindex: 2, ifname: 'lan0', mac: mac(number), families: ['IPv4'] };
}

/** Two speakers that share four VIPs. */
async function settled(
  ofFirst: Partial<MembershipsOptions> = {},
): Promise<{ clock: FakeClock; cable: Cable; one: SpeakerParts; two: SpeakerParts }> {
  const clock = new FakeClock();
  const cable = new Cable();
  const [one, two] = [speaker(1, clock, cable, ofFirst), speaker(2, clock, cable)];
  for (const each of [one, two]) {
    each.memberships.open();
    each.want();
  }
  await clock.advance(400);
  return { clock, cable, one, two };
}

describe('Memberships', () => {
  it('agrees with its peer on one owner for each VIP', async () => {
    const { one, two } = await settled();
    expect(one.owned()).to.have.length(2);
    expect([...one.owned(), ...two.owned()].sort()).to.deep.equal(VIPS.map((vip) => `${vip} lan0`));
  });

  it('sends frames to the group, one an interval', async () => {
    const { clock, cable } = await settled();
    cable.frames.length = 0;
    await clock.advance(1000);
    expect(cable.frames.length).to.be.within(78, 86);
    const [first] = cable.frames;
    const decoded = decodeEthernet(first ?? new Uint8Array());
    expect(decoded.ok && String(decoded.frame.destination)).to.equal(HEARTBEAT_GROUP_MAC);
  });

  it('takes over when its peer is not heard any more', async () => {
    const { clock, cable, one } = await settled();
    cable.unplugged.add('edge-2');
    await clock.advance(170);
    expect(one.owned()).to.have.length(2);
    // No one answers its questions meanwhile.
    await clock.advance(130);
    expect(one.owned()).to.have.length(4);
  });

  it('measures each step, and how long the VIPs of a peer that died were unanswered', async () => {
    const took: number[] = [];
    let steps = 0;
    const measures = {
      stepped: () => {
        steps += 1;
      },
      tookOver: (milliseconds: number) => took.push(milliseconds),
      heartbeatLate: () => {},
    };
    const { clock, cable } = await settled({ measures });
    expect(took).to.deep.equal([]);
    cable.unplugged.add('edge-2');
    await clock.advance(300);
    expect(took).to.have.length(2);
    // No sooner than it counts as dead, and no later than a client may wait.
    for (const milliseconds of took) expect(milliseconds).to.be.within(200, 300);
    expect(steps).to.be.greaterThan(took.length);
  });

  it('WT-07: takes without a witness what a host asks for, and that alone', async () => {
    const { clock, cable, one, two } = await settled({ openQuestions: () => NO_QUESTIONS });
    const [theirs = '', other = ''] = two.owned().map((row) => row.split(' ')[0] ?? '');
    one.memberships.demanded(2, ip(other));
    cable.unplugged.add('edge-2');
    await clock.advance(3_000);
    // It asked before this node was cut off: on which side it is now no one knows.
    expect(one.owned()).to.have.length(2);
    expect(one.memberships.awaitsDemand(2, ip(theirs))).to.equal(true);
    one.memberships.demanded(2, ip(theirs));
    await clock.advance(70);
    expect(one.owned()).to.have.length(2);
    await clock.advance(100);
    expect(one.owned()).to.include(`${theirs} lan0`).and.have.length(3);
  });

  it('WT-08: tells of a VIP that comes while it is cut off, so that questions for it are heard', async () => {
    const { clock, cable, one } = await settled({ openQuestions: () => NO_QUESTIONS });
    cable.unplugged.add('edge-2');
    await clock.advance(3_000);
    const told: string[][] = [];
    one.memberships.news.wishes.subscribe(() =>
      told.push(...one.memberships.loops.map(({ loop }) => [...loop.state.desired.keys()])),
    );
    one.want(undefined, ['203.0.113.99']);
    expect(told).to.deep.equal([['203.0.113.99']]);
    expect(one.memberships.awaitsDemand(2, ip('203.0.113.99'))).to.equal(true);
  });

  it('BL-03: takes nothing while the peer answers, and reads answers that wait before it declares it dead', async () => {
    const asked = new Set<string>();
    const waiting: (() => void)[] = [];
    let answers: 'given' | 'missing' = 'given';
    const openQuestions: MembershipsOptions['openQuestions'] = (_segment, { onAnswered, onWitnessed }) => ({
      ...NO_QUESTIONS,
      askWitnesses: () => waiting.push(onWitnessed),
      askOwner: (vip) => {
        asked.add(String(vip));
        if (answers === 'given') waiting.push(() => onAnswered(vip, mac(2)));
      },
      // What came on the wire is not told before somebody reads it.
      drain: () => {
        for (const give of waiting.splice(0)) give();
      },
    });
    const { clock, cable, one, two } = await settled({ openQuestions });
    cable.unplugged.add('edge-2');
    await clock.advance(3_000);
    expect(one.owned()).to.have.length(2);
    const theirs = two.owned().map((row) => row.split(' ')[0] ?? '');
    expect([...asked].filter((vip) => !theirs.includes(vip))).to.deep.equal([]);
    answers = 'missing';
    await clock.advance(3_000);
    expect(one.owned()).to.have.length(4);
  });

  it('has one owner again two heartbeats after the cable is back, who announces', async () => {
    const { clock, cable, one, two } = await settled();
    cable.unplugged.add('edge-2');
    await clock.advance(1000);
    expect(two.owned()).to.have.length(4);
    cable.unplugged.clear();
    await clock.advance(50);
    expect([...one.owned(), ...two.owned()].sort()).to.deep.equal(VIPS.map((vip) => `${vip} lan0`));
    await clock.advance(10);
    expect(one.announced.length + two.announced.length).to.be.at.least(4);
  });

  it('hands everything over when it leaves', async () => {
    const { clock, one, two } = await settled();
    const left = one.memberships.leave();
    await clock.advance(100);
    await left;
    expect(two.owned()).to.have.length(4);
    expect(one.owned()).to.deep.equal([]);
  });

  describe('when hand-overs wait', () => {
    /** For so long after the first question nothing may be offered. */
    const HELD_MS = 700;

    async function holding() {
      const asked: { firstMs?: number } = {};
      const all: { clock?: FakeClock } = {};
      const mayOffer = () => {
        const nowMs = all.clock?.now() ?? 0;
        asked.firstMs ??= nowMs;
        return nowMs - asked.firstMs >= HELD_MS;
      };
      const two = await settled({ mayOffer });
      all.clock = two.clock;
      const refused: string[] = [];
      two.one.memberships.news.reports.subscribe(({ kind }) => {
        if (kind === 'move-refused') refused.push(kind);
      });
      return { ...two, refused };
    }

    it('MV-09: an order is carried out once it may be, and is not refused meanwhile', async () => {
      const { clock, one, two, refused } = await holding();
      const vip = ip(one.owned()[0]?.split(' ')[0] ?? '');
      for (const { loop } of one.memberships.loops) loop.give({ type: 'move', vip, node: 'edge-2' });
      await clock.advance(HELD_MS - 50);
      expect(one.owned()).to.have.length(2);
      await clock.advance(300);
      expect(two.owned()).to.include(`${vip} lan0`);
      expect(refused).to.deep.equal([]);
    });

    it('MV-09: the load evens out at the next attempt', async () => {
      const { clock, one, two, refused } = await holding();
      for (const { loop } of two.memberships.loops) {
        for (const row of two.owned()) {
          loop.give({ type: 'move', vip: ip(row.split(' ')[0] ?? ''), node: 'edge-1' });
          await clock.advance(100);
        }
      }
      expect(one.owned()).to.have.length(4);
      for (const each of [one, two]) for (const { loop } of each.memberships.loops) loop.give({ type: 'rebalance' });
      await clock.advance(8_000);
      expect([one.owned().length, two.owned().length]).to.deep.equal([2, 2]);
      expect(refused).to.deep.equal([]);
    });

    for (const how of ['drained', 'not well'] as const)
      it(`MV-10: a node that is ${how} keeps all its VIPs until others may take them, and shares them out evenly`, async () => {
        const clock = new FakeClock();
        const cable = new Cable();
        let mayOffer = false;
        const vips = Array.from({ length: 24 }, (_, index) => `203.0.113.${100 + index}`);
        const all = [1, 2, 3].map((number) => speaker(number, clock, cable, { mayOffer: () => mayOffer }));
        const want = (drained: boolean) => {
          const annotations = drained ? { 'berth.dev/drain': 'true' } : {};
          const nodes = ['edge-1', 'edge-2', 'edge-3'].map((name) => node(name));
          const first = { ...nodes[0], metadata: { ...nodes[0]?.metadata, name: 'edge-1', annotations } };
          const wanted = vips.map((vip) => ({
            ...{ service: 'shop/web', vip: ip(vip), policies: [ANNOUNCE_EVERYTHING], wasAnnounced: false },
          })) satisfies WantedVip[];
          for (const { memberships } of all) memberships.want(wanted, [first, ...nodes.slice(1)] as typeof nodes);
        };
        for (const { memberships } of all) memberships.open();
        want(false);
        await clock.advance(1_000);
        const counts = () => all.map(({ memberships }) => memberships.owned().length);
        expect(counts()).to.deep.equal([8, 8, 8]);
        if (how === 'drained') want(true);
        else all[0]?.memberships.become('unfit');
        await clock.advance(900);
        expect(counts()).to.deep.equal([8, 8, 8]);
        mayOffer = true;
        await clock.advance(300);
        expect(counts()).to.deep.equal([0, 12, 12]);
      });

    it('MV-22: a VIP whose last endpoint left this node goes at once: no connection of it could go on here', async () => {
      const local = new Map([['shop/web', new Set(['edge-1', 'edge-2'])]]);
      let asked = 0;
      const { clock, one, two } = await settled({
        localNodes: (service) => local.get(service),
        mayOffer: () => {
          asked++;
          return false;
        },
      });
      const want = () => {
        for (const { memberships } of [one, two])
          memberships.want(
            VIPS.map((vip) => ({
              ...{ service: 'shop/web', vip: ip(vip), policies: [ANNOUNCE_EVERYTHING] },
              ...{ isLocal: true, wasAnnounced: false },
            })),
            NODES,
          );
      };
      want();
      await clock.advance(100);
      expect(one.owned()).to.have.length(2);
      local.set('shop/web', new Set(['edge-2']));
      want();
      await clock.advance(100);
      expect([one.owned().length, two.owned().length, asked]).to.deep.equal([0, 4, 0]);
    });

    it('MV-09: a node that leaves answers until others may take its VIPs, and then leaves', async () => {
      const { clock, one, two } = await holding();
      let hasLeft = false;
      void one.memberships.leave().then(() => {
        hasLeft = true;
      });
      await clock.advance(HELD_MS - 50);
      expect([one.owned().length, hasLeft]).to.deep.equal([2, false]);
      await clock.advance(500);
      expect([two.owned().length, hasLeft]).to.deep.equal([4, true]);
    });
  });

  it('AT-11: goes on for 15 seconds when the other nodes that may take its VIPs are not there, then leaves', async () => {
    const clock = new FakeClock();
    const alone = speaker(1, clock, new Cable());
    alone.memberships.open();
    alone.want();
    await clock.advance(400);
    expect(alone.owned()).to.have.length(4);
    const left = alone.memberships.leave();
    await clock.advance(14_900);
    expect(alone.owned()).to.have.length(4);
    await clock.advance(250);
    await left;
    expect(alone.owned()).to.deep.equal([]);
  });

  it('AT-08: hands over what it cannot answer any more, says that it is unfit, and takes nothing until it can', async () => {
    const clock = new FakeClock();
    const cable = new Cable();
    const state = { isAttached: true };
    const one = speaker(1, clock, cable, { answering: { isAttached: () => state.isAttached, lacks: () => false } });
    const two = speaker(2, clock, cable);
    for (const each of [one, two]) {
      each.memberships.open();
      each.want();
    }
    await clock.advance(400);
    expect(one.owned()).to.have.length(2);
    state.isAttached = false;
    one.memberships.answeringChanged();
    await clock.advance(200);
    expect(two.owned()).to.have.length(4);
    expect(one.owned()).to.deep.equal([]);
    expect(one.memberships.loops[0]?.loop.state.fitness).to.equal('unfit');
    expect(one.memberships.fitness).to.equal('fit');
    two.memberships.close();
    await clock.advance(5_000);
    expect(one.owned()).to.deep.equal([]);
    state.isAttached = true;
    one.memberships.answeringChanged();
    await clock.advance(5_000);
    expect(one.owned()).to.have.length(4);
  });

  it('AT-05: hands over a VIP that it has no room for, and keeps the others', async () => {
    const clock = new FakeClock();
    const cable = new Cable();
    const missing = new Set<string>();
    const answering = { isAttached: () => true, lacks: (vip: unknown) => missing.has(String(vip)) };
    const [one, two] = [1, 2].map((number) => speaker(number, clock, cable, number === 1 ? { answering } : {}));
    for (const each of [one, two]) {
      each?.memberships.open();
      each?.want();
    }
    await clock.advance(400);
    const [first = '', kept = ''] = one?.owned() ?? [];
    missing.add(first.split(' ')[0] ?? '');
    one?.memberships.answeringChanged();
    await clock.advance(200);
    expect(one?.owned()).to.deep.equal([kept]);
    expect(two?.owned()).to.include(first);
  });

  it('gives everything up when its interface is gone, and listens when it is back', async () => {
    const clock = new FakeClock();
    const segments = [segment(1)];
    const alone = speaker(1, clock, new Cable(), { segments: () => segments });
    alone.memberships.open();
    alone.want();
    await clock.advance(400);
    segments.length = 0;
    alone.want();
    expect(alone.owned()).to.deep.equal([]);
    segments.push(segment(1));
    alone.want();
    await clock.advance(200);
    expect(alone.owned()).to.deep.equal([]);
    await clock.advance(150);
    expect(alone.owned()).to.have.length(4);
  });

  it('refuses frames of before, when its interface was gone meanwhile', async () => {
    const clock = new FakeClock();
    const cable = new Cable();
    const segments = [segment(1)];
    const [one, two] = [speaker(1, clock, cable, { segments: () => segments }), speaker(2, clock, cable)];
    one.memberships.open();
    two.memberships.open();
    await clock.advance(400);
    two.memberships.close();
    segments.length = 0;
    one.want();
    segments.push(segment(1));
    one.want();
    const attacker = cable.plug('attacker');
    for (const bytes of cable.frames.slice()) attacker.send(bytes);
    const [loop] = one.memberships.loops;
    expect(loop?.loop.state.members).to.deep.equal([]);
    expect(loop?.loop.drops.get('replayed')).to.be.at.least(3);
  });

  it('owns IPv6 VIPs as soon as an interface that it has joined can do IPv6', async () => {
    const clock = new FakeClock();
    const segments = [segment(1)];
    const alone = speaker(1, clock, new Cable(), { segments: () => segments });
    alone.memberships.open();
    alone.want([ANNOUNCE_EVERYTHING], ['2001:db8::20']);
    await clock.advance(400);
    expect(alone.owned()).to.deep.equal([]);
    segments[0] = { ...segment(1), families: ['IPv4', 'IPv6'] };
    alone.want([ANNOUNCE_EVERYTHING], ['2001:db8::20']);
    // It hears of the other node now, asks the witness, and then whether anybody has the VIP.
    await clock.advance(200);
    expect(alone.owned()).to.deep.equal(['2001:db8::20 lan0']);
  });

  it('answers under the new name of an interface', async () => {
    const clock = new FakeClock();
    const segments = [segment(1)];
    const alone = speaker(1, clock, new Cable(), { segments: () => segments });
    alone.memberships.open();
    alone.want(undefined, VIPS.slice(0, 1));
    await clock.advance(400);
    segments[0] = { ...segment(1), ifname: 'uplink' };
    alone.want(undefined, VIPS.slice(0, 1));
    await clock.advance(400);
    expect(alone.owned()).to.deep.equal([`${VIPS[0]} uplink`]);
  });

  it('tries a segment again that it could not join', async () => {
    const clock = new FakeClock();
    const cable = new Cable();
    let attempts = 0;
    const openSocket = () => {
      attempts += 1;
      if (attempts < 3) throw new Error('socket: ENOBUFS');
      return cable.plug('edge-1');
    };
    const alone = speaker(1, clock, cable, { openSocket });
    alone.memberships.open();
    alone.want();
    expect(attempts).to.equal(2);
    await clock.advance(2_500);
    expect([attempts, alone.owned().length]).to.deep.equal([3, 4]);
  });

  it('tries a segment again whose socket it could not read', async () => {
    const clock = new FakeClock();
    const cable = new Cable();
    let attempts = 0;
    const openSocket = (): SegmentSocket => {
      attempts += 1;
      const socket = cable.plug('edge-1');
      if (attempts > 1) return socket;
      return {
        ...socket,
        receive: () => {
          throw new Error('recv: ENETDOWN');
        },
      };
    };
    const alone = speaker(1, clock, cable, { openSocket });
    alone.memberships.open();
    expect([attempts, alone.memberships.loops.length]).to.deep.equal([1, 0]);
    await clock.advance(2_500);
    expect([attempts, alone.memberships.loops.length]).to.deep.equal([2, 1]);
    alone.memberships.close();
  });

  it('has left when the interface goes on which it was leaving', async () => {
    const { clock } = await settled();
    const segments = [segment(3)];
    const third = speaker(3, clock, new Cable(), { segments: () => segments });
    third.memberships.open();
    third.want([ANNOUNCE_EVERYTHING]);
    await clock.advance(400);
    let hasLeft = false;
    // Its peers would take it over, but it cannot tell them any more.
    segments.length = 0;
    void third.memberships.leave().then(() => {
      hasLeft = true;
    });
    third.want();
    await clock.advance(100);
    expect(hasLeft).to.equal(true);
  });

  it('signs with a new key from the next interval on, and seals a heartbeat once', async () => {
    const clock = new FakeClock();
    const cable = new Cable();
    let [keys, sealed] = [keysOf('the first secret of all'), 0];
    const counter = frameCounter();
    const source = { clusterId: '00000000000000aa', keys: () => keys, nextCounter: counter };
    class Thread extends FakeBeatThread {
      override setFrame(...frame: Parameters<FakeBeatThread['setFrame']>): void {
        sealed += 1;
        super.setFrame(...frame);
      }
    }
    const thread = new Thread({ clock, nextCounter: counter, send: (bytes) => cable.send('edge-1', bytes) });
    const alone = speaker(1, clock, cable, { source, thread });
    alone.memberships.open();
    await clock.advance(1_000);
    sealed = 0;
    await clock.advance(200);
    expect(sealed).to.equal(0);
    keys = keysOf('the second secret of all');
    await clock.advance(50);
    const last = openFrame({ ...source, keys: () => keys }, cable.frames.at(-1) ?? new Uint8Array());
    expect([sealed, last.ok]).to.deep.equal([1, true]);
  });

  it('does not hear a peer with another key, and counts why', async () => {
    const clock = new FakeClock();
    const cable = new Cable();
    const source = {
      clusterId: '00000000000000aa',
      keys: () => keysOf('another secret, longer'),
      nextCounter: frameCounter(),
    };
    const [one, two] = [speaker(1, clock, cable), speaker(2, clock, cable, { source })];
    one.memberships.open();
    two.memberships.open();
    await clock.advance(100);
    const [loop] = one.memberships.loops;
    expect(loop?.loop.state.members).to.deep.equal([]);
    expect(loop?.loop.drops.get('unknown-key')).to.be.at.least(3);
  });

  it('leaves VIPs that no policy allows on this interface to others', async () => {
    const { clock, one, two } = await settled();
    const elsewhere: L2Advertisement = { ...ANNOUNCE_EVERYTHING, name: 'lan9', interfaces: ['lan9'] };
    one.want([elsewhere]);
    two.want([ANNOUNCE_EVERYTHING]);
    await clock.advance(600);
    expect(one.owned()).to.deep.equal([]);
    expect(two.owned()).to.have.length(4);
  });

  it('follows what several frames took away together', async () => {
    const { clock, cable, one, two } = await settled();
    // A list of so many claims needs three frames.
    const many = Array.from({ length: 250 }, (_, number) => `198.51.100.${number}`);
    cable.unplugged.add('edge-2');
    for (const each of [one, two]) each.want([ANNOUNCE_EVERYTHING], many);
    await clock.advance(1000);
    cable.unplugged.clear();
    const before = one.follows() + two.follows();
    await clock.advance(100);
    expect(one.owned().length + two.owned().length).to.equal(250);
    expect(one.follows() + two.follows() - before).to.equal(2);
  });

  it('owns nothing once it is closed', async () => {
    const { one } = await settled();
    one.memberships.close();
    one.want();
    expect(one.owned()).to.deep.equal([]);
  });
});

describe('Memberships with two interfaces', () => {
  /** A node whose two interfaces, with large indexes, have a cable each, or share one. */
  function twoCards(clock: FakeClock, cables: readonly [Cable, Cable]): SpeakerParts {
    const cards = [0, 1].map((index) => ({ ...segment(index + 5), ifindex: 70_000 + index, ifname: `lan${index}` }));
    const nextCounter = frameCounter();
    const plugOf = (ifindex: number) => ({ name: `one-${ifindex}`, cable: cables[ifindex - 70_000] ?? cables[0] });
    return speaker(1, clock, cables[0], {
      source: { clusterId: '00000000000000aa', keys: () => keysOf('one secret for all of them'), nextCounter },
      segments: () => cards,
      openSocket: ({ ifindex }) => plugOf(ifindex).cable.plug(plugOf(ifindex).name),
      thread: new FakeBeatThread({
        clock,
        nextCounter,
        send: (bytes, ifindex) => plugOf(ifindex).cable.send(plugOf(ifindex).name, bytes),
      }),
    });
  }

  it('WT-23: serves by the first of two in one segment, with indexes above 65,535', async () => {
    const clock = new FakeClock();
    const cable = new Cable();
    const one = twoCards(clock, [cable, cable]);
    one.memberships.open();
    one.want();
    await clock.advance(1000);
    expect(one.owned()).to.deep.equal(VIPS.map((vip) => `${vip} lan0`));
    one.memberships.close();
  });

  it('RP-07: serves by both while somebody repeats on each what it recorded on the other', async () => {
    const clock = new FakeClock();
    const cables = [new Cable(), new Cable()] as const;
    const one = twoCards(clock, cables);
    one.memberships.open();
    one.want();
    await clock.advance(100);
    const recorded = cables.map(({ frames }) => frames.slice());
    for (let round = 0; round < 100; round++) {
      await clock.advance(10);
      for (const [index, cable] of cables.entries())
        for (const bytes of recorded[1 - index]?.slice(-3) ?? []) cable.send('stranger', bytes);
    }
    expect(one.owned()).to.deep.equal(VIPS.map((vip) => `${vip} lan0,lan1`));
    one.memberships.close();
  });
});

describe('Memberships and replays', () => {
  it('notes how the first frame of a newcomer came, and no frame that was heard before', async () => {
    const clock = new FakeClock();
    const cable = new Cable();
    const noted: string[] = [];
    const openSocket = () => ({
      ...cable.plug('edge-1'),
      believed: ({ bytes }: { bytes: Uint8Array }) => noted.push(Buffer.from(bytes).toString('hex')),
    });
    const [one, two] = [speaker(1, clock, cable, { openSocket }), speaker(2, clock, cable)];
    two.memberships.open();
    await clock.advance(10);
    one.memberships.open();
    await clock.advance(100);
    const [first = ''] = noted;
    expect(first).to.not.equal('');
    cable.send('stranger', Buffer.from(first, 'hex'));
    expect(noted.filter((hex) => hex === first)).to.have.length(1);
    for (const { memberships } of [one, two]) memberships.close();
  });

  it('RP-05: computes no tag for a frame that was heard before, whatever its station, and forgets no member', async () => {
    const { clock, cable, one, two } = await settled();
    const recorded = cable.frames.slice(-20);
    const relayed = recorded.map((bytes) => Uint8Array.from(bytes).fill(0x12, 6, 12));
    for (let round = 0; round < 20; round++)
      for (const bytes of [...recorded, ...relayed]) cable.send('stranger', bytes);
    const drops = one.memberships.loops[0]?.loop.drops;
    expect(drops?.get('replayed')).to.be.at.least(100);
    expect(drops?.get('relayed')).to.equal(400);
    await clock.advance(1000);
    expect([...one.owned(), ...two.owned()].sort()).to.deep.equal(VIPS.map((vip) => `${vip} lan0`));
  });

  it('RP-02: begins to serve as soon as ever while frames of its earlier boot are repeated', async () => {
    const clock = new FakeClock();
    const cable = new Cable();
    const earlier = speaker(1, clock, cable);
    earlier.memberships.open();
    earlier.want();
    await clock.advance(400);
    earlier.memberships.close();
    const recorded = cable.frames.slice();
    const again = speaker(1, clock, cable, { bootId: '00000000000000ff' });
    again.memberships.open();
    again.want();
    for (let round = 0; round < 30; round++) {
      await clock.advance(10);
      for (const bytes of recorded) cable.send('stranger', bytes);
    }
    expect(again.owned()).to.deep.equal(VIPS.map((vip) => `${vip} lan0`));
    again.memberships.close();
  });
});
