// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { parsePoolConfig } from '../config/parse.ts';
import { PoolCatalog } from '../ipam/pool-catalog.ts';
import { IpAddress } from '../net/ip-address.ts';
import { mayBeGiven, spareAddresses } from './spare-addresses.ts';

function catalogOf(...documents: string[]): PoolCatalog {
  const parsed = parsePoolConfig({ 'pools.yaml': documents.join('\n---\n') });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return new PoolCatalog(parsed.config);
}

function pool(name: string, spec: string): string {
  return `{ apiVersion: berth.dev/v1, kind: IPAddressPool, metadata: { name: ${name} }, spec: { ${spec} } }`;
}

function ips(...texts: string[]): IpAddress[] {
  return texts.map((text) => {
    const parsed = IpAddress.parse(text);
    if (!parsed.ok) throw new Error(parsed.reason);
    return parsed.value;
  });
}

function spares(catalog: PoolCatalog, taken: IpAddress[], each = 3, atMost = 100): string[] {
  return spareAddresses(catalog, { taken, each, atMost }).map(({ address, pool: name }) => `${name} ${address}`);
}

describe('spareAddresses', () => {
  it('are the first of each pool and family that no Service shows, in the order of use', () => {
    const catalog = catalogOf(
      pool('lan', 'addresses: [192.0.2.20-192.0.2.30, 192.0.2.10-192.0.2.11, "2001:db8::10-2001:db8::12"]'),
    );
    expect(spares(catalog, ips('192.0.2.21'))).to.deep.equal([
      'lan 192.0.2.20',
      'lan 192.0.2.22',
      'lan 192.0.2.23',
      'lan 2001:db8::10',
      'lan 2001:db8::11',
      'lan 2001:db8::12',
    ]);
  });

  it('go on in the next entry when one is used up', () => {
    const catalog = catalogOf(pool('lan', 'addresses: [192.0.2.20-192.0.2.21, 192.0.2.10-192.0.2.11]'));
    expect(spares(catalog, ips('192.0.2.20'))).to.deep.equal(['lan 192.0.2.21', 'lan 192.0.2.10', 'lan 192.0.2.11']);
  });

  it('are none that is excluded, reserved or never given unasked', () => {
    const catalog = catalogOf(
      pool(
        'lan',
        'addresses: [192.0.2.0/28], avoidBuggyIPs: true, exclude: [192.0.2.1-192.0.2.3], reserved: [{ address: 192.0.2.5, service: shop/web }]',
      ),
      pool('six', 'addresses: ["2001:db8::/64"]'),
    );
    expect(spares(catalog, [])).to.deep.equal([
      'lan 192.0.2.4',
      'lan 192.0.2.6',
      'lan 192.0.2.7',
      'six 2001:db8::1',
      'six 2001:db8::2',
      'six 2001:db8::3',
    ]);
  });

  it('are limited in all, the first pool before the second, and cost nothing in a large pool that is nearly full', () => {
    const catalog = catalogOf(pool('a', 'addresses: [10.0.0.0/8]'), pool('b', 'addresses: [192.0.2.0/28]'));
    expect(spares(catalog, [], 3, 4)).to.deep.equal(['a 10.0.0.0', 'a 10.0.0.1', 'a 10.0.0.2', 'b 192.0.2.0']);
    const taken = Array.from({ length: 5000 }, (_, index) => IpAddress.of('IPv4', 0x0a000000n + BigInt(index)));
    expect(spares(catalog, taken, 1, 1)).to.deep.equal(['a 10.0.19.136']);
  });
});

describe('mayBeGiven', () => {
  it('is true of the addresses of a pool without what it excludes', () => {
    const catalog = catalogOf(pool('lan', 'addresses: [192.0.2.0/28], exclude: [192.0.2.1/32]'));
    const given = ips('192.0.2.0', '192.0.2.1', '192.0.2.2', '192.0.2.16').filter((one) => mayBeGiven(catalog, one));
    expect(given.map(String)).to.deep.equal(['192.0.2.0', '192.0.2.2']);
  });
});
