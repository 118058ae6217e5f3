// SPDX-License-Identifier: Apache-2.0
import { ANNOUNCE_EVERYTHING } from '@berth/core';
import type { Service } from '@berth/kube';
import { expect } from 'chai';
import { ip } from '../testing.ts';
import { serveWishes } from './served-services.ts';

const VIP = '203.0.113.20';

function service(name: string, spec: Service['spec'], serve = 'every-node'): Service {
  return {
    metadata: { namespace: 'shop', name, annotations: { 'berth.dev/serve': serve } },
    spec: spec ?? {},
  } as Service;
}

function wishOf(...services: readonly Service[]) {
  const wanted = services.map(({ metadata }) => ({
    ...{ service: `shop/${metadata.name}`, vip: ip(VIP), policies: [ANNOUNCE_EVERYTHING], wasAnnounced: true },
  }));
  return serveWishes(wanted, (key) => services.find(({ metadata }) => key === `shop/${metadata.name}`)).get(VIP);
}

const HTTP = { ports: [{ port: 80 }] };
const DNS = { ports: [{ port: 53, protocol: 'UDP' }] };

describe('serveWishes', () => {
  it('EN-14: takes the ports of all Services that share a VIP', () => {
    const wish = wishOf(service('a', HTTP), service('b', DNS));
    expect(wish).to.deep.include({ everywhere: true });
    expect(wish?.everywhere && wish.vip.ports).to.deep.equal([
      { protocol: 'TCP', port: 80 },
      { protocol: 'UDP', port: 53 },
    ]);
  });

  it('EN-14: goes by client where one of them wants that', () => {
    const wish = wishOf(service('a', HTTP), service('b', { ...DNS, sessionAffinity: 'ClientIP' }));
    expect(wish?.everywhere && wish.vip.by).to.equal('client');
  });

  it('EN-14: asks each Service with policy Local for its endpoints', () => {
    const wish = wishOf(service('a', { ...HTTP, externalTrafficPolicy: 'Local', healthCheckNodePort: 31_000 }));
    expect(wish?.everywhere && wish.vip.healthPorts).to.deep.equal([31_000]);
  });

  for (const { name, services, why } of [
    {
      name: 'one of two asks for it',
      services: [service('a', HTTP), service('b', DNS, 'owner')],
      why: 'shared-with-owner-served',
    },
    {
      name: 'kube-proxy cannot be asked',
      services: [service('a', { ...HTTP, externalTrafficPolicy: 'Local' })],
      why: 'no-health-port',
    },
  ])
    it(`EN-15: leaves a VIP to its owner where ${name}`, () => {
      expect(wishOf(...services)).to.deep.include({ everywhere: false, why });
    });

  it('EN-14: says nothing of a VIP that nobody asks it for', () => {
    expect(wishOf(service('a', HTTP, 'owner'))).to.equal(undefined);
  });
});
