// SPDX-License-Identifier: Apache-2.0

import { MacAddress, type PoolUsageReport } from '@berth/core';
import { ip } from '@berth/core/testing';
import { expect } from 'chai';
import { NO_POOLS } from './pool-source.ts';
import { formatPoolStatus } from './pool-status.ts';

const row = (pool: string, family: PoolUsageReport['family'], total: bigint): PoolUsageReport => ({
  pool,
  family,
  total,
  used: 1n,
  cooling: 0n,
  quarantined: 0n,
  free: total - 1n,
  addresses: [family === 'IPv4' ? '192.0.2.0/30' : '2001:db8::/64'],
});

const stranded = (service: string) => ({
  service,
  addresses: [{ address: ip('192.0.2.9'), pool: undefined }],
  condition: { status: 'True', reason: 'OutsidePools', message: '' } as const,
  refusal: undefined,
  remarks: ['OutsidePools'] as const,
  isPermanent: false,
  retryAtMs: undefined,
  isRenumberDone: false,
  isChange: false,
  freed: [],
});

describe('formatPoolStatus', () => {
  it('ST-10: shows pools as a table with aligned columns', () => {
    const usage = [row('lan', 'IPv4', 4n), row('lan', 'IPv6', 1n << 64n)];
    const { pools } = formatPoolStatus({ pools: NO_POOLS, usage, stranded: [], quarantined: [] });
    expect(pools?.split('\n')).to.deep.equal([
      'POOL  FAMILY  TOTAL                 USED  FREE                  QUARANTINED  ADDRESSES',
      'lan   IPv4    4                     1     3                     0            192.0.2.0/30',
      'lan   IPv6    18446744073709551616  1     18446744073709551615  0            2001:db8::/64',
      '',
    ]);
  });

  it('gives programs the same as JSON, with numbers as text', () => {
    const data = formatPoolStatus({
      pools: NO_POOLS,
      usage: [row('lan', 'IPv6', 1n << 64n)],
      stranded: [],
      quarantined: [],
    });
    expect(JSON.parse(data['pools.json'] ?? '')).to.deep.equal([
      {
        pool: 'lan',
        family: 'IPv6',
        total: '18446744073709551616',
        used: '1',
        cooling: '0',
        quarantined: '0',
        free: '18446744073709551615',
        addresses: ['2001:db8::/64'],
      },
    ]);
  });

  it('lists stranded Services, and counts those that do not fit', () => {
    const all = Array.from({ length: 53 }, (_, n) => stranded(`shop/s-${n}`));
    const lines =
      formatPoolStatus({ pools: NO_POOLS, usage: [], stranded: all, quarantined: [] })
        .stranded?.trimEnd()
        .split('\n') ?? [];
    expect(lines).to.have.length(51);
    expect(lines[0]).to.equal('shop/s-0   192.0.2.9  OutsidePools');
    expect(lines.at(-1)).to.equal('and 3 more');
  });

  it('GR-07: lists what is in quarantine, with the MAC, the node and since when', () => {
    const quarantine = { mac: MacAddress.ZERO, node: 'n1', interface: 'eth0', sinceMs: 60_000 };
    const record = { address: ip('192.0.2.9'), pool: 'lan', holders: [], former: undefined, quarantine };
    const { quarantined } = formatPoolStatus({ pools: NO_POOLS, usage: [], stranded: [], quarantined: [record] });
    expect(quarantined).to.equal('192.0.2.9  00:00:00:00:00:00  n1  1970-01-01T00:01:00.000Z\n');
  });

  it('is the same text for the same input, so that nothing is written twice', () => {
    const input = {
      pools: NO_POOLS,
      usage: [row('lan', 'IPv4', 4n)],
      stranded: [stranded('shop/web')],
      quarantined: [],
    };
    expect(formatPoolStatus(input)).to.deep.equal(formatPoolStatus(input));
  });
});
