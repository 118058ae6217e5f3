// SPDX-License-Identifier: Apache-2.0
/** What the Services of one tenant may do to those of another, and to each other. */
import { expect } from 'chai';
import type { SharingTerms } from '../service/service-request.ts';
import { Allocator } from './allocator.ts';
import { SHARING_GRACE_MS } from './sharing-patience.ts';
import { configOf, DUAL, type PoolSpec, requestOf, type ServiceSketch } from './testing/builders.ts';

const SHARED = '203.0.113.60';

/** MetalLB's documents, with which Services of all namespaces may share. */
const ACROSS = configOf({ lan: { addresses: ['203.0.113.60/32', '203.0.113.61/32'] } }, 'metallb.io/v1beta1');

/** Services as the API server has them, and what the allocator decided about each. */
class Tenants {
  readonly sketches = new Map<string, ServiceSketch>();
  readonly allocator = new Allocator(
    { config: ACROSS, namespaces: new Map() },
    { sharingGraceMs: SHARING_GRACE_MS, termsNow: (key) => this.#termsNow(key) },
  );
  readonly #shown = new Map<string, readonly string[]>();
  nowMs = 0;

  /** Writes the Service to the API server; nothing is decided. */
  put(name: string, sketch: ServiceSketch): void {
    this.sketches.set(`${sketch.namespace ?? 'shop'}/${name}`, sketch);
  }

  decide(key: string): string {
    const decision = this.allocator.decide(this.#request(key), this.nowMs);
    this.allocator.commit(this.allocator.writes().map(() => '1'));
    const addresses = decision.addresses.map(({ address }) => String(address));
    this.#shown.set(key, addresses);
    return addresses.join() || decision.condition.reason;
  }

  /** Decides all of them until the grace is over. */
  settle(): string[] {
    for (const waitMs of [0, SHARING_GRACE_MS, 1]) {
      this.nowMs += waitMs;
      for (const key of this.sketches.keys()) this.decide(key);
    }
    return [...this.sketches.keys()].map((key) => this.decide(key));
  }

  terms(): string {
    const holders = [...this.allocator.table.records()].flatMap((record) => record.holders);
    return holders.map(({ service, terms }) => `${service} ${terms?.key} ${terms?.ports}`).join('; ');
  }

  #request(key: string) {
    const [, name = ''] = key.split('/');
    return requestOf(name, { ...this.sketches.get(key), shown: this.#shown.get(key) ?? [] });
  }

  #termsNow(key: string): SharingTerms | undefined {
    const request = this.sketches.has(key) ? this.#request(key) : undefined;
    return request?.refusal === undefined ? request?.sharing : undefined;
  }
}

function front(port: string, more: ServiceSketch = {}): ServiceSketch {
  return { ...more, ports: [port], annotations: { 'share-key': 'front', ...more.annotations } };
}

/** Two Services in two namespaces that share an address. */
function neighbours(namespace = 'ops'): Tenants {
  const tenants = new Tenants();
  tenants.put('a', front('tcp/80'));
  tenants.put('b', front('tcp/443', { namespace }));
  expect(tenants.settle()).to.deep.equal([SHARED, SHARED]);
  return tenants;
}

describe('tenants: wishes that cannot be read', () => {
  const unreadable: { name: string; annotations: Record<string, string> }[] = [
    { name: 'an address that is none', annotations: { 'req-ips': 'nonsense' } },
    { name: 'two pools', annotations: { 'req-pool': 'lan', 'metallb.io/address-pool': 'other' } },
    { name: 'two sharing keys', annotations: { 'metallb.io/allow-shared-ip': 'other' } },
    { name: 'a sharing key that is too long', annotations: { 'share-key': 'k'.repeat(254) } },
    { name: 'a renumber that is none', annotations: { 'berth.dev/renumber': 'x' } },
  ];
  for (const { name, annotations } of unreadable) {
    it(`TN-01: ${name} does not take the port of a neighbour in another namespace`, () => {
      const tenants = neighbours();
      tenants.put('b', front('tcp/80', { namespace: 'ops', annotations }));
      expect(tenants.decide('ops/b')).to.equal('InvalidRequest');
      expect(tenants.settle()).to.deep.equal([SHARED, 'InvalidRequest']);
    });

    it(`TN-01: ${name} costs nothing where the ports still fit, and the new ports are taken`, () => {
      const tenants = neighbours();
      tenants.put('b', front('udp/53', { namespace: 'ops', annotations }));
      expect(tenants.settle()).to.deep.equal([SHARED, SHARED]);
      expect(tenants.terms()).to.equal('shop/a front TCP/80; ops/b front UDP/53');
      tenants.put('c', front('udp/53'));
      expect(tenants.settle()[2]).to.equal('203.0.113.61');
    });
  }

  it('TN-01: a traffic policy that does not fit counts too', () => {
    const tenants = neighbours();
    const local = { externalTrafficPolicy: 'Local', selector: { app: 'b' } };
    tenants.put('b', front('tcp/443', { namespace: 'ops', annotations: { 'req-ips': 'x' }, ...local }));
    expect(tenants.settle()).to.deep.equal([SHARED, 'InvalidRequest']);
  });
});

describe('tenants: sharers that change together', () => {
  type Step = 'put a' | 'put b' | 'decide a' | 'decide b';

  /**
   * Every order in which two Services can be written and decided: each write before a decision about the Service, each
   * decided again.
   */
  function interleavings(): Step[][] {
    const merge = (one: Step[], other: Step[]): Step[][] => {
      const [first, ...rest] = one;
      const [second, ...more] = other;
      if (first === undefined) return [other];
      if (second === undefined) return [one];
      return [
        ...merge(rest, other).map((steps) => [first, ...steps]),
        ...merge(one, more).map((steps) => [second, ...steps]),
      ];
    };
    return merge(['put a', 'decide a', 'decide a'], ['put b', 'decide b', 'decide b']);
  }

  const changes: { name: string; a: ServiceSketch; b: ServiceSketch }[] = [
    { name: 'swap their ports', a: front('tcp/443'), b: front('tcp/80') },
    {
      name: 'take another key',
      a: front('tcp/80', { annotations: { 'share-key': 'back' } }),
      b: front('tcp/443', { annotations: { 'share-key': 'back' } }),
    },
    {
      name: 'turn Local',
      a: front('tcp/80', { externalTrafficPolicy: 'Local', selector: { app: 'web' } }),
      b: front('tcp/443', { externalTrafficPolicy: 'Local', selector: { app: 'web' } }),
    },
  ];
  for (const { name, a, b } of changes) {
    it(`TN-02: two of one namespace that ${name} keep the address, in each of ${interleavings().length} interleavings`, () => {
      for (const steps of interleavings()) {
        const tenants = neighbours('shop');
        for (const step of steps) {
          tenants.nowMs += 100;
          if (step.startsWith('put')) tenants.put(step.slice(4), step === 'put a' ? a : b);
          else expect(tenants.decide(`shop/${step.slice(7)}`), steps.join()).to.equal(SHARED);
        }
        expect(tenants.settle(), steps.join()).to.deep.equal([SHARED, SHARED]);
      }
    });
  }

  it('TN-02: two of different namespaces keep it once both are written, whoever is decided first', () => {
    for (const order of [
      ['shop/a', 'ops/b'],
      ['ops/b', 'shop/a'],
    ]) {
      const tenants = neighbours();
      tenants.put('a', front('tcp/443'));
      tenants.put('b', front('tcp/80', { namespace: 'ops' }));
      expect(order.map((key) => tenants.decide(key))).to.deep.equal([SHARED, SHARED]);
      expect(tenants.settle()).to.deep.equal([SHARED, SHARED]);
    }
  });

  it('TN-02: a port of another namespace is not used for a moment', () => {
    const tenants = neighbours();
    tenants.put('b', front('tcp/80', { namespace: 'ops' }));
    expect(tenants.decide('ops/b')).to.equal('203.0.113.61');
  });

  it('TN-02: in one namespace who alone changes is moved when the grace is over, and nobody else can take the port before', () => {
    const tenants = neighbours('shop');
    tenants.put('b', front('tcp/80'));
    const decision = tenants.allocator.decide(requestOf('b', front('tcp/80', { shown: [SHARED] })), 0);
    expect(decision.retryAtMs).to.equal(SHARING_GRACE_MS);
    expect(tenants.terms()).to.equal('shop/a front TCP/80; shop/b front TCP/443');
    tenants.nowMs = SHARING_GRACE_MS - 1;
    expect(tenants.decide('shop/b')).to.equal(SHARED);
    expect(tenants.settle()).to.deep.equal([SHARED, '203.0.113.61']);
  });

  it('TN-02: the grace begins anew with the next clash, not with each look', () => {
    const tenants = neighbours('shop');
    tenants.put('b', front('tcp/80'));
    tenants.decide('shop/b');
    tenants.put('b', front('tcp/8080'));
    tenants.nowMs = SHARING_GRACE_MS;
    expect(tenants.decide('shop/b')).to.equal(SHARED);
    tenants.put('b', front('tcp/80'));
    expect(tenants.decide('shop/b')).to.equal(SHARED);
    tenants.nowMs += SHARING_GRACE_MS;
    expect(tenants.decide('shop/b')).to.equal('203.0.113.61');
  });
});

describe('tenants: quota', () => {
  const pool = { addresses: ['203.0.113.40/29', '2001:db8:5::/120'], quota: { perNamespace: 2 }, cooldown: '10m' };
  const allocatorWith = (more: Partial<PoolSpec> = {}) =>
    new Allocator({ config: configOf({ lan: { ...pool, ...more } }), namespaces: new Map() });
  const decide = (allocator: Allocator, name: string, sketch: ServiceSketch = {}, nowMs = 0) => {
    const { addresses, refusal, retryAtMs } = allocator.decide(requestOf(name, sketch), nowMs);
    return { gets: addresses.map(({ address }) => String(address)).join() || refusal, retryAtMs };
  };

  it('TN-03: counts what rests, so that making and deleting Services uses up no pool', () => {
    const allocator = allocatorWith();
    for (const name of ['a', 'b']) {
      decide(allocator, name);
      allocator.release(`shop/${name}`, 0);
    }
    expect(decide(allocator, 'c')).to.deep.equal({ gets: 'QuotaExceeded', retryAtMs: 600_000 });
    expect(decide(allocator, 'c', { namespace: 'ops' }).gets).to.equal('203.0.113.42');
    expect(decide(allocator, 'c', {}, 600_000).gets).to.equal('203.0.113.40');
  });

  it('TN-03: a Service that is made again has its address back, by search and by name', () => {
    for (const sketch of [{}, { annotations: { 'req-ips': '203.0.113.41' } }]) {
      const allocator = allocatorWith();
      for (const name of ['a', 'b']) decide(allocator, name);
      allocator.release('shop/b', 0);
      expect(decide(allocator, 'c').gets).to.equal('QuotaExceeded');
      expect(decide(allocator, 'b', sketch).gets).to.equal('203.0.113.41');
    }
  });

  it('TN-03: so does a dual-stack one', () => {
    const allocator = allocatorWith();
    const sketch = { clusterIPs: DUAL, ipFamilyPolicy: 'RequireDualStack' };
    const { gets } = decide(allocator, 'a', sketch);
    allocator.release('shop/a', 0);
    expect(decide(allocator, 'b', sketch).gets).to.equal('QuotaExceeded');
    expect(decide(allocator, 'a', sketch).gets).to.equal(gets);
  });

  it('TN-03: renumbering leaves an address that rests, and so is held to the quota', () => {
    const renumbering = { shown: ['203.0.113.40'], annotations: { 'berth.dev/renumber': '203.0.113.40' } };
    const strict = allocatorWith({ quota: { perNamespace: 1 } });
    decide(strict, 'a');
    expect(decide(strict, 'a', renumbering).gets).to.equal('203.0.113.40');
    const free = allocatorWith({ quota: { perNamespace: 1 }, cooldown: '0s' });
    decide(free, 'a');
    expect(decide(free, 'a', renumbering).gets).to.equal('203.0.113.41');
  });
});
