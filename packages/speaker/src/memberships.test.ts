// SPDX-License-Identifier: Apache-2.0
import { ANNOUNCE_EVERYTHING, decodeEthernet, HEARTBEAT_GROUP_MAC, type L2Advertisement, timingOf } from '@berth/core';
import { expect } from 'chai';
import { openFrame } from './heartbeat-frames.ts';
import { HeartbeatKeys } from './heartbeat-keys.ts';
import type { SegmentSocket } from './membership-loop.ts';
import { Memberships, type MembershipsOptions } from './memberships.ts';
import type { Segment } from './segments.ts';
import { FakeBeatThread, FakeClock, frameCounter, ip, mac, node } from './testing.ts';
import type { WantedVip } from './wanted-vips.ts';

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
  const timing = timingOf();
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
    openSocket: () => cable.plug(nodeName),
    onOwned: apply,
    onNew: apply,
    onAnnounce: (vip) => announced.push(String(vip)),
    onReport: () => undefined,
    onFailed: () => undefined,
    ...rest,
  });
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

function segment(number: number): Segment {
  return { ifindex: 2, ifname: 'lan0', mac: mac(number), families: ['IPv4'] };
}

/** Two speakers that share four VIPs. */
async function settled(): Promise<{ clock: FakeClock; cable: Cable; one: SpeakerParts; two: SpeakerParts }> {
  const clock = new FakeClock();
  const cable = new Cable();
  const [one, two] = [speaker(1, clock, cable), speaker(2, clock, cable)];
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
    await clock.advance(60);
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

  it('leaves at once when nobody else is there', async () => {
    const clock = new FakeClock();
    const alone = speaker(1, clock, new Cable());
    alone.memberships.open();
    alone.want();
    await clock.advance(400);
    expect(alone.owned()).to.have.length(4);
    const left = alone.memberships.leave();
    await clock.advance(150);
    await left;
    expect(alone.owned()).to.deep.equal([]);
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
    await clock.advance(100);
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
    await clock.advance(50);
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
