// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { MacAddress } from '../net/mac-address.ts';
import { ip } from '../net/testing.ts';
import type { AddressRecord } from './address-record.ts';
import { Allocator } from './allocator.ts';
import { decodeRecord, encodeRecord, entryKeyOf } from './ledger-entry.ts';
import { SEAL_BYTES } from './ledger-layout.ts';
import type { LedgerObject } from './ledger-object.ts';
import { configOf, requestOf, serviceOf } from './testing/builders.ts';
import { FakeApiServer, FakeController } from './testing/world.ts';

const WIDE = configOf({ wide: { addresses: ['10.0.0.0/8'], avoidBuggyIPs: true } });

function object(data: Record<string, string>, name = 'ledger'): LedgerObject {
  return { name, resourceVersion: '7', isSealed: false, data };
}

const STRANGER = {
  mac: MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 1)) ?? MacAddress.ZERO,
  node: 'n1',
  interface: 'eth0',
  sinceMs: 60_000,
};

describe('ledger entry', () => {
  const records: { name: string; record: AddressRecord; key: string; text: string }[] = [
    {
      name: 'one holder',
      record: {
        address: ip('203.0.113.40'),
        pool: 'lan',
        holders: [{ service: 'shop/web', poolRequest: '', terms: undefined }],
        former: undefined,
        quarantine: undefined,
      },
      key: '203.0.113.40',
      text: '{"pool":"lan","services":[{"name":"shop/web"}]}',
    },
    {
      name: 'a sharer that asked for a pool',
      record: {
        address: ip('2001:db8:5::7'),
        pool: 'lan',
        holders: [
          {
            service: 'shop/web',
            poolRequest: 'lan',
            terms: { key: 'front', ports: ['TCP/80'], localSelector: 'app=web' },
          },
        ],
        former: undefined,
        quarantine: undefined,
      },
      key: '2001-db8-5--7',
      text: '{"pool":"lan","services":[{"name":"shop/web","request":"lan","share":{"key":"front","ports":["TCP/80"],"local":"app=web"}}]}',
    },
    {
      name: 'a former holder',
      record: {
        address: ip('::7'),
        pool: 'lan',
        holders: [],
        former: { service: 'shop/web', restsUntilMs: 60_000 },
        quarantine: undefined,
      },
      key: '--7',
      text: '{"pool":"lan","former":{"name":"shop/web","restsUntil":"1970-01-01T00:01:00.000Z"}}',
    },
    {
      name: 'a quarantine beside its last holder',
      record: {
        address: ip('203.0.113.40'),
        pool: 'lan',
        holders: [{ service: 'shop/web', poolRequest: '', terms: undefined }],
        former: undefined,
        quarantine: STRANGER,
      },
      key: '203.0.113.40',
      text: '{"pool":"lan","services":[{"name":"shop/web"}],"quarantine":{"mac":"00:00:5e:00:53:01","node":"n1","interface":"eth0","since":"1970-01-01T00:01:00.000Z"}}',
    },
    {
      name: 'a quarantine alone',
      record: { address: ip('203.0.113.40'), pool: 'lan', holders: [], former: undefined, quarantine: STRANGER },
      key: '203.0.113.40',
      text: '{"pool":"lan","quarantine":{"mac":"00:00:5e:00:53:01","node":"n1","interface":"eth0","since":"1970-01-01T00:01:00.000Z"}}',
    },
  ];
  for (const { name, record, key, text } of records) {
    it(`encodes and decodes ${name}`, () => {
      expect(entryKeyOf(record.address)).to.equal(key);
      expect(encodeRecord(record)).to.equal(text);
      const decoded = decodeRecord(key, text);
      expect(decoded.ok && encodeRecord(decoded.value)).to.equal(text);
      expect(decoded.ok && decoded.value.address.equals(record.address)).to.equal(true);
    });
  }

  const bad = [
    { name: 'no address', key: 'hello', text: '{}' },
    { name: 'another spelling of an address', key: '2001-db8-0--7', text: '{"services":[{"name":"a/b"}]}' },
    { name: 'no JSON', key: '203.0.113.40', text: '{"services":[{"na' },
    { name: 'an array', key: '203.0.113.40', text: '[]' },
    { name: 'nobody', key: '203.0.113.40', text: '{"pool":"lan"}' },
    { name: 'a name without namespace', key: '203.0.113.40', text: '{"services":[{"name":"web"}]}' },
    { name: 'a number as name', key: '203.0.113.40', text: '{"services":[{"name":7}]}' },
    { name: 'a time that is none', key: '203.0.113.40', text: '{"former":{"name":"a/b","restsUntil":"soon"}}' },
  ];
  for (const { name, key, text } of bad) {
    it(`refuses ${name} with a reason`, () => {
      const decoded = decodeRecord(key, text);
      expect(decoded.ok).to.equal(false);
      expect(!decoded.ok && decoded.reason)
        .to.be.a('string')
        .and.not.equal('');
    });
  }

  it('never throws, whatever was written by hand', () => {
    const key = fc.oneof(
      fc.string(),
      fc.ipV4(),
      fc.ipV6().map((text) => text.replaceAll(':', '-')),
    );
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.record({ services: fc.jsonValue(), former: fc.jsonValue() }).map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(key, text, (k, t) => typeof decodeRecord(k, t).ok === 'boolean'),
      { numRuns: 2000 },
    );
  });
});

describe('ledger', () => {
  it('reports bad entries and takes them away with the next write', () => {
    const allocator = new Allocator({ config: WIDE, namespaces: new Map() });
    const problems = allocator.reset([
      object({ '10.0.0.9': '{"pool":"wide","services":[{"name":"shop/a"}]}', junk: 'x', '10.0.0.7': '{' }),
    ]);
    expect(problems.map(({ object: name, key }) => `${name} ${key}`)).to.deep.equal(['ledger junk', 'ledger 10.0.0.7']);
    expect(allocator.writes()).to.deep.equal([]);
    allocator.commit([]);
    allocator.decide(requestOf('b'), 0);
    expect(allocator.writes()).to.deep.equal([
      {
        kind: 'patch',
        name: 'ledger',
        patch: {
          metadata: { resourceVersion: '7', annotations: {} },
          data: { '10.0.0.1': '{"pool":"wide","services":[{"name":"shop/b"}]}', junk: null, '10.0.0.7': null },
        },
      },
    ]);
  });

  it('of one address in two objects the first counts', () => {
    const allocator = new Allocator({ config: WIDE, namespaces: new Map() });
    const entry = (name: string) => ({ '10.0.0.9': `{"pool":"wide","services":[{"name":"shop/${name}"}]}` });
    const problems = allocator.reset([object(entry('b'), 'ledger-1'), object(entry('a'))]);
    expect(problems.map(({ object: name }) => name)).to.deep.equal(['ledger-1']);
    expect([...allocator.holders()]).to.deep.equal(['shop/a']);
  });

  it('ignores objects with other names', () => {
    const allocator = new Allocator({ config: WIDE, namespaces: new Map() });
    allocator.reset([object({ '10.0.0.9': '{"services":[{"name":"shop/a"}]}' }, 'ledger-x')]);
    expect([...allocator.holders()]).to.deep.equal([]);
  });

  it('seals a full object and goes on in the next; names of 63 characters and 5,000 Services fit', () => {
    const server = new FakeApiServer();
    const controller = new FakeController(server, { config: WIDE, namespaces: new Map() });
    controller.restart();
    const long = (index: number) => String(index).padStart(63, 'n');
    for (let index = 0; index < 5000; index++) {
      controller.allocator.decide(requestOf(long(index), { namespace: long(index) }), 0);
      if (index % 500 === 499) expect(controller.writeLedger()).to.equal('written');
    }
    const objects = [...server.ledger.values()];
    expect(objects.length).to.be.greaterThan(3);
    for (const { data = {} } of objects) {
      const bytes = Object.entries(data).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
      expect(bytes).to.be.at.most(SEAL_BYTES);
    }
    expect(objects.filter(({ metadata }) => metadata?.annotations?.['berth.dev/sealed'] !== 'true')).to.have.length(1);
    const other = new FakeController(server, { config: WIDE, namespaces: new Map() });
    other.allocator.reset(objects.map((each) => ({ ...object(each.data ?? {}, each.metadata?.name ?? '') })));
    expect([...other.allocator.holders()]).to.have.length(5000);
  }).timeout(20_000);

  it('a controller with an old view fails, also when the object was sealed meanwhile', () => {
    const server = new FakeApiServer();
    const [one, two] = [1, 2].map(() => new FakeController(server, { config: WIDE, namespaces: new Map() }));
    if (one === undefined || two === undefined) throw new Error('no controllers');
    const names = ['a', 'b', ...Array.from({ length: 3000 }, (_, index) => `s${index}`)];
    for (const name of names) server.put(serviceOf(name));
    for (const controller of [one, two]) {
      controller.observe();
      controller.restart();
    }
    one.allocator.decide(requestOf('a'), 0);
    two.allocator.decide(requestOf('b'), 0);
    expect(one.writeLedger()).to.equal('written');
    expect(two.writeLedger()).to.equal('conflict');
    for (const name of names.slice(2)) one.allocator.decide(requestOf(name), 0);
    expect(one.writeLedger()).to.equal('written');
    two.allocator.decide(requestOf('b'), 0);
    expect(two.writeLedger()).to.equal('conflict');
    const given = two.allocator.decide(requestOf('b'), 0).addresses.map(({ address }) => `${address}`);
    expect(two.writeLedger()).to.equal('written');
    expect(one.allocator.addressesOf('shop/a').map(String)).to.not.include(given[0]);
  });

  it('confirms what is shown again on its word alone, with a write that gives a new version', () => {
    const allocator = new Allocator({ config: WIDE, namespaces: new Map() });
    allocator.reset([object({ '10.0.0.9': '{"pool":"wide","services":[{"name":"shop/a"}]}' })]);
    allocator.decide(requestOf('a', { shown: ['10.0.0.9'] }), 0);
    expect(allocator.writes()).to.deep.equal([]);
    allocator.commit([]);
    allocator.decide(requestOf('a'), 0);
    const metadata = { resourceVersion: '7', annotations: { 'berth.dev/confirmed': '7' } };
    expect(allocator.writes()).to.deep.equal([{ kind: 'patch', name: 'ledger', patch: { metadata, data: {} } }]);
  });

  it('confirms that it does not give what a status shows and is to lose', () => {
    const allocator = new Allocator({ config: configOf({}), namespaces: new Map() });
    allocator.reset([object({}), object({}, 'ledger-1')]);
    allocator.decide(requestOf('a', { shown: ['10.0.0.9'], given: ['10.0.0.9'] }), 0);
    expect(allocator.writes().map(({ kind, name }) => `${kind} ${name}`)).to.deep.equal([
      'patch ledger',
      'patch ledger-1',
    ]);
    allocator.rollback();
    allocator.reset([]);
    allocator.decide(requestOf('a', { shown: ['10.0.0.9'], given: ['10.0.0.9'] }), 0);
    expect(allocator.writes().map(({ kind, name }) => `${kind} ${name}`)).to.deep.equal(['create ledger']);
  });

  it('a sealed object that became empty is used again when the open one is full', () => {
    const entry = (name: string) => `{"services":[{"name":"shop/${name}"}]}`;
    const allocator = new Allocator({ config: WIDE, namespaces: new Map() }, { sealBytes: 60 });
    allocator.reset([
      { ...object({ '192.0.2.9': entry('a') }), isSealed: true },
      object({ '10.0.0.1': entry('b') }, 'ledger-1'),
    ]);
    allocator.release('shop/a', 0);
    const versions = allocator.writes().map(() => '8');
    allocator.commit(versions);
    allocator.decide(requestOf('c'), 0);
    const [first, second, ...more] = allocator.writes();
    expect(more).to.deep.equal([]);
    expect(first).to.deep.include({ kind: 'patch', name: 'ledger-1' });
    expect(first?.kind === 'patch' && first.patch.metadata).to.deep.include({
      annotations: { 'berth.dev/sealed': 'true', 'berth.dev/confirmed': '7' },
    });
    expect(second).to.deep.include({ kind: 'patch', name: 'ledger' });
    expect(second?.kind === 'patch' && second.patch.metadata).to.deep.equal({
      resourceVersion: '8',
      annotations: { 'berth.dev/sealed': null },
    });
  });
});
