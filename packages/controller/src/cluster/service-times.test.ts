// SPDX-License-Identifier: Apache-2.0
import { CONDITION_ANNOUNCED, loadBalancerClassRule } from '@berth/core';
import type { Service } from '@berth/kube';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ServiceTimes } from './service-times.ts';

function service(show: 'nothing' | 'address' | 'announced', type = 'LoadBalancer'): Service {
  const at = { reason: 'x', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
  return {
    metadata: { namespace: 'shop', name: 'web' },
    spec: { type },
    status: {
      ...(show !== 'nothing' && { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }),
      ...(show === 'announced' && { conditions: [{ type: CONDITION_ANNOUNCED, status: 'True', ...at }] }),
    },
  };
}

describe('ServiceTimes', () => {
  let clock: FakeClock;
  let told: string[];
  let times: ServiceTimes;

  beforeEach(() => {
    clock = new FakeClock();
    told = [];
    times = new ServiceTimes({ clock, classRule: loadBalancerClassRule() });
    times.addresses.subscribe((milliseconds) => told.push(`address ${milliseconds}`));
    times.announcements.subscribe((milliseconds) => told.push(`announced ${milliseconds}`));
  });

  const update = (object: Service, previous: Service) => times.follow({ type: 'updated', object, previous });

  it('measures from the first sight of a Service, each once', () => {
    times.follow({ type: 'added', object: service('nothing') });
    clock.runUntil(20);
    update(service('address'), service('nothing'));
    update(service('address'), service('address'));
    clock.runUntil(150);
    update(service('announced'), service('address'));
    update(service('announced'), service('announced'));
    expect(told).to.deep.equal(['address 20', 'announced 150']);
  });

  it('measures from when a Service became ours', () => {
    times.follow({ type: 'added', object: service('nothing', 'ClusterIP') });
    clock.runUntil(1_000);
    update(service('nothing'), service('nothing', 'ClusterIP'));
    clock.runUntil(1_030);
    update(service('announced'), service('nothing'));
    expect(told).to.deep.equal(['address 30', 'announced 30']);
  });

  it('says nothing of a Service that had its address before, nor of one that is gone', () => {
    times.follow({ type: 'added', object: service('address') });
    update(service('announced'), service('address'));
    times.follow({ type: 'added', object: service('nothing') });
    times.follow({ type: 'deleted', object: service('nothing') });
    update(service('announced'), service('nothing'));
    expect(told).to.deep.equal([]);
  });
});
