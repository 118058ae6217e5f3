// SPDX-License-Identifier: Apache-2.0
import type { ServicePatch } from '@berth/core';
import type { Service } from '@berth/kube';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { WriteBrake } from './write-brake.ts';

/** A Service as it is at a version. */
function service(version: number, ip: string, changes: Partial<Service['metadata'] & Service['spec']> = {}): Service {
  const { annotations, managedFields, type = 'LoadBalancer' } = changes;
  return {
    metadata: {
      ...{ namespace: 'shop', name: 'web', uid: 'u', resourceVersion: String(version) },
      ...(annotations && { annotations }),
      ...(managedFields && { managedFields }),
    },
    spec: { type },
    status: { loadBalancer: { ingress: ip === '' ? [] : [{ ip, ipMode: 'VIP' }] } },
  };
}

const patchTo = (ip: string): ServicePatch => ({
  metadata: {},
  status: { loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] } },
});

const [OURS, THEIRS, OTHERS] = ['192.0.2.1', '198.51.100.7', '203.0.113.9'];

/** A brake after Berth wrote its address at version 10. */
function braked() {
  const clock = new FakeClock();
  const brake = new WriteBrake(clock);
  let version = 10;
  const write = (before: Service) => {
    version += 1;
    const after = service(version, OURS);
    brake.seen(after);
    brake.sending(before)(after);
    return after;
  };
  write(service(9, ''));
  return { clock, brake, write, next: () => ++version };
}

describe('WriteBrake', () => {
  it('FA-07: what others change waits ten seconds, then twice as long each time, up to five minutes', async () => {
    const { clock, brake, write, next } = braked();
    const waits: number[] = [];
    for (let round = 0; round < 7; round++) {
      const changed = service(next(), round % 2 === 0 ? THEIRS : OTHERS);
      brake.seen(changed);
      const { waitMs } = brake.look(changed, patchTo(OURS));
      waits.push(waitMs / 1000);
      await clock.advance(waitMs);
      expect(brake.look(changed, patchTo(OURS)).waitMs).to.equal(0);
      write(changed);
    }
    expect(waits).to.deep.equal([10, 20, 40, 80, 160, 300, 300]);
  });

  it('FA-07: what has stood for longer is set right at once', async () => {
    const { clock, brake, next } = braked();
    await clock.advance(10_000);
    expect(brake.look(service(next(), THEIRS), patchTo(OURS)).waitMs).to.equal(0);
  });

  it('FA-07: one writer that takes away and one that puts back are others too, whatever Berth wants to write then', () => {
    const { brake, next } = braked();
    brake.seen(service(next(), THEIRS));
    const back = service(next(), OURS);
    brake.seen(back);
    const condition = {
      type: 'berth.dev/Announced',
      status: 'True',
      reason: 'r',
      message: '',
      lastTransitionTime: 't',
    };
    const patch = { metadata: {}, status: { conditions: [condition as never] } };
    const found = brake.look(back, patch);
    expect([found.waitMs, found.isNews]).to.deep.equal([10_000, false]);
  });

  it('FA-07: types that a user changes to and fro are done at once, and accuse nobody', () => {
    const { brake, next } = braked();
    for (let flip = 0; flip < 4; flip++) {
      // The API server empties the status of what is no LoadBalancer.
      brake.seen(service(next(), '', { type: 'ClusterIP' }));
      const back = service(next(), '');
      brake.seen(back);
      expect(brake.look(back, patchTo(OURS))).to.deep.include({ waitMs: 0, isNews: false });
    }
  });

  it('FA-07: what a user wishes meanwhile is done at once, and what Berth changes of its own accord', () => {
    const { brake, next } = braked();
    const wish = { 'berth.dev/loadBalancerIPs': OTHERS };
    expect(brake.look(service(next(), THEIRS, { annotations: wish }), patchTo(OTHERS)).waitMs).to.equal(0);
    expect(brake.look(service(next(), OURS), patchTo(OTHERS)).waitMs).to.equal(0);
  });

  it('another Service, one made again, and one of long ago are written at once', async () => {
    const { clock, brake, next } = braked();
    const again = service(next(), THEIRS);
    expect(brake.look({ ...again, metadata: { ...again.metadata, uid: 'v' } }, patchTo(OURS)).waitMs).to.equal(0);
    await clock.advance(601_000);
    expect(brake.look(again, patchTo(OURS)).waitMs).to.equal(0);
  });

  it('an older state than that which was left is left to the API server to refuse', () => {
    const { brake } = braked();
    expect(brake.look(service(8, THEIRS), patchTo(OURS)).waitMs).to.equal(0);
  });

  it('a patch of another part does not make an address of others ours', async () => {
    const { clock, brake, next } = braked();
    const changed = service(next(), THEIRS);
    brake.seen(changed);
    await clock.advance(10_000);
    brake.look(changed, { metadata: {}, status: { conditions: [] } });
    brake.sending(changed)(service(next(), THEIRS));
    expect(brake.look(service(next(), THEIRS), patchTo(OURS)).waitMs).to.equal(20_000);
  });

  it('FA-07: a patch that yields goes a second after the one that sets right', async () => {
    const { clock, brake, next } = braked();
    await clock.advance(60_000);
    const changed = service(next(), THEIRS);
    brake.seen(changed);
    const look = (yields: boolean) => brake.look(changed, patchTo(OURS), { yields }).waitMs;
    expect([look(true), look(false)]).to.deep.equal([1_000, 0]);
    await clock.advance(1_000);
    expect(look(true)).to.equal(0);
  });

  it('FA-07: tells once for each writing that it was undone, and by whom: all that were seen, with what they wrote', async () => {
    const { clock, brake, write, next } = braked();
    const by = (manager: string, ip: string, time: string) => {
      const changed = service(next(), ip, { managedFields: [{ manager, time }] });
      brake.seen(changed);
      return changed;
    };
    by('k3s', THEIRS, 't1');
    const first = brake.look(by('kube-vip', OTHERS, 't2'), patchTo(OURS));
    expect(first.writers).to.deep.equal([
      { manager: 'k3s', shown: THEIRS },
      { manager: 'kube-vip', shown: OTHERS },
    ]);
    expect([first.isNews, brake.look(service(next(), OTHERS), patchTo(OURS)).isNews]).to.deep.equal([true, false]);
    await clock.advance(10_000);
    write(service(next(), OTHERS));
    const later = brake.look(by('k3s', THEIRS, 't3'), patchTo(OURS));
    expect([later.isNews, later.writers.map(({ manager }) => manager)]).to.deep.equal([true, ['kube-vip', 'k3s']]);
  });
});
