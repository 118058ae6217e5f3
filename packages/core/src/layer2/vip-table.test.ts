// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { IpAddress } from '../net/ip-address.ts';
import { VipTable } from './vip-table.ts';

function vip(lastByte: number): IpAddress {
  return IpAddress.of('IPv4', 0xcb007100n + BigInt(lastByte));
}

function tableOf(...rows: [service: string, lastByte: number, ...interfaces: string[]][]): VipTable {
  const table = new VipTable();
  for (const [service, lastByte, ...interfaces] of rows) table.set({ service, vip: vip(lastByte), interfaces });
  return table;
}

describe('VipTable', () => {
  it('AR-11: keeps a shared VIP until its last Service is withdrawn', () => {
    const table = tableOf(['shop/a', 20, 'lan0'], ['shop/b', 20, 'lan0']);
    table.withdraw('shop/a', vip(20));
    expect(table.find(vip(20))?.services).to.deep.equal(['shop/b']);
    table.withdraw('shop/b', vip(20));
    expect(table.find(vip(20))).to.equal(undefined);
    expect(table.list()).to.deep.equal([]);
  });

  it('AR-11: counts a Service that is set again once and takes its new interfaces', () => {
    const table = tableOf(['shop/a', 20, 'lan0'], ['shop/a', 20, 'lan1']);
    expect(table.find(vip(20))?.interfaces).to.deep.equal(['lan1']);
    table.withdraw('shop/a', vip(20));
    expect(table.find(vip(20))).to.equal(undefined);
  });

  it('AR-11: matches exactly: withdrawing .2 does not touch .20', () => {
    const table = tableOf(['shop/a', 20, 'lan0'], ['shop/a', 2, 'lan0']);
    table.withdraw('shop/a', vip(2));
    expect(table.find(vip(20))?.interfaces).to.deep.equal(['lan0']);
  });

  it('answers on the interfaces of all Services of a VIP', () => {
    const table = tableOf(['shop/b', 20, 'lan1'], ['shop/a', 20, 'lan0', 'lan1']);
    expect(table.find(vip(20))?.interfaces).to.deep.equal(['lan0', 'lan1']);
  });

  it('ignores the withdrawal of what was never set', () => {
    const table = tableOf(['shop/a', 20, 'lan0']);
    table.withdraw('shop/z', vip(20));
    table.withdraw('shop/a', vip(21));
    expect(table.list().map((row) => String(row.vip))).to.deep.equal(['203.0.113.20']);
  });
});
