// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { IpPrefix } from '../net/ip-prefix.ts';
import { ip } from '../net/testing.ts';
import { Allocator } from './allocator.ts';
import { type Occupant, Occupants } from './occupants.ts';
import { configOf, requestOf, type ServiceSketch } from './testing/builders.ts';

const LAN = configOf({ lan: { addresses: ['203.0.113.40-203.0.113.47'] } });

function range(text: string) {
  const prefix = IpPrefix.parse(text);
  if (!prefix.ok) throw new Error(prefix.reason);
  return prefix.value.range;
}

const ALL: readonly Occupant[] = [
  { at: ip('203.0.113.40'), holder: 'an address of node edge-1', node: 'edge-1' },
  { at: ip('203.0.113.41'), holder: 'an external IP of Service shop/ext', service: 'shop/ext' },
  { at: range('203.0.113.44/30'), holder: 'in the range of pods' },
];

function decide(sketch: ServiceSketch, name = 'a', occupants: readonly Occupant[] = ALL) {
  const allocator = new Allocator({ config: LAN, namespaces: new Map(), occupants: new Occupants(occupants) });
  return allocator.decide(requestOf(name, sketch), 0);
}

describe('what others have', () => {
  it('TN-06: one who lists 20,000 external IPs, and 20,000 who list one, hold up nobody', () => {
    const many = Array.from({ length: 20_000 }, (_, index) => {
      const mixed = (index * 7_919) % 20_000;
      const at = ip(`10.${mixed >> 7}.${mixed & 127}.1`);
      return { at, holder: 'an external IP of Service shop/ext', service: 'shop/ext' };
    });
    const same = many.map((one, index) => ({ ...one, at: ip('203.0.113.41'), service: `shop/s${index}` }));
    const occupants = new Occupants([...many, ...same]);
    expect(occupants.closed('IPv4').intervalCount).to.equal(20_001);
    expect(occupants.holderOf(ip('203.0.113.41'), 'shop/s0')?.service).to.equal('shop/s1');
    // It takes seconds where each one costs as much as there are before it, and a tenth of one otherwise.
  }).timeout(2_000);

  it('FA-09: is never given unasked', () => {
    const occupants = new Occupants(ALL);
    const allocator = new Allocator({ config: LAN, namespaces: new Map(), occupants });
    const given = ['a', 'b', 'c'].map((name) => String(allocator.decide(requestOf(name), 0).addresses[0]?.address));
    expect(given).to.deep.equal(['203.0.113.42', '203.0.113.43', 'undefined']);
  });

  for (const { address, holder } of [
    { address: '203.0.113.40', holder: 'an address of node edge-1' },
    { address: '203.0.113.41', holder: 'an external IP of Service shop/ext' },
    { address: '203.0.113.46', holder: 'in the range of pods' },
  ]) {
    it(`FA-09: ${address} is refused on request, and the holder is named: ${holder}`, () => {
      const { addresses, refusal, condition } = decide({ annotations: { 'req-ips': address } });
      expect([addresses, refusal]).to.deep.equal([[], 'AddressInUse']);
      expect(condition.message).to.equal(`${address} is ${holder}`);
    });
  }

  it('FA-09: a Service may ask for its own external IP', () => {
    const { addresses } = decide({ annotations: { 'req-ips': '203.0.113.41' } }, 'ext');
    expect(addresses.map(({ address }) => String(address))).to.deep.equal(['203.0.113.41']);
  });

  it('FA-09: who holds an address keeps it when somebody else comes to have it too', () => {
    const allocator = new Allocator({ config: LAN, namespaces: new Map() });
    allocator.decide(requestOf('a'), 0);
    allocator.setSurroundings({ config: LAN, namespaces: new Map(), occupants: new Occupants(ALL) });
    const { addresses, condition } = allocator.decide(requestOf('a', { shown: ['203.0.113.40'] }), 0);
    expect([addresses.map(({ address }) => String(address)), condition.reason]).to.deep.equal([
      ['203.0.113.40'],
      'Assigned',
    ]);
  });

  it('FA-02: an address of a node is never taken over, not even on request', () => {
    for (const annotations of [{}, { 'berth.dev/adopt': '203.0.113.40' }]) {
      const { condition, isForeign } = decide({ shown: ['203.0.113.40'], annotations });
      expect([isForeign, condition.reason]).to.deep.equal([true, 'ForeignAddress']);
      expect(condition.message).to.include('an address of node edge-1');
    }
  });

  it('FA-02: two Services of ours that share what somebody else gave them are both taken over', () => {
    const shown = (service: string) => ({
      ...{ at: ip('203.0.113.42'), holder: `shown by Service ${service}`, service, isCandidate: true },
    });
    const occupants = new Occupants([shown('shop/a'), shown('shop/b')]);
    const allocator = new Allocator({ config: LAN, namespaces: new Map(), occupants });
    const share = (port: string) => ({ shown: ['203.0.113.42'], annotations: { 'share-key': 'front' }, ports: [port] });
    const reasons = [requestOf('a', share('tcp/80')), requestOf('b', share('tcp/443'))].map(
      (request) => allocator.decide(request, 0).condition.reason,
    );
    expect(reasons).to.deep.equal(['Assigned', 'Assigned']);
  });
});
