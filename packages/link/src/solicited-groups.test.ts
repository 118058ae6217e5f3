// SPDX-License-Identifier: Apache-2.0
import { IpAddress } from '@berth/core';
import { expect } from 'chai';
import type { NativeLink } from './native.ts';
import { SolicitedGroups } from './solicited-groups.ts';

const JOIN = 20;
const LEAVE = 21;

/** A kernel that keeps memberships, and refuses those on interface 9. */
class FakeKernel {
  readonly members = new Map<string, number>();
  sockets = 0;
  isFull = false;

  socketOpen(): number {
    if (this.isFull) throw Object.assign(new Error('socket: EMFILE'), { code: 'EMFILE' });
    this.sockets += 1;
    return this.sockets;
  }

  socketClose(fd: number): void {
    for (const [key, owner] of this.members) if (owner === fd) this.members.delete(key);
    this.sockets -= 1;
  }

  socketSetOption(fd: number, _level: number, name: number, value: Uint8Array): void {
    const ifindex = new DataView(value.buffer).getInt32(16, true);
    if (ifindex === 9) throw Object.assign(new Error('setsockopt: ENODEV'), { code: 'ENODEV' });
    const key = `${ifindex} ${IpAddress.fromBytes(value.subarray(0, 16))}`;
    if (name === JOIN) this.members.set(key, fd);
    if (name === LEAVE) this.members.delete(key);
  }

  get list(): string[] {
    return [...this.members.keys()].sort();
  }
}

function row(text: string, ...ifindexes: number[]) {
  const vip = IpAddress.parse(text);
  if (!vip.ok) throw new Error(vip.reason);
  return { vip: vip.value, ifindexes };
}

describe('SolicitedGroups', () => {
  let kernel: FakeKernel;
  let groups: SolicitedGroups;
  let failed: string[];

  beforeEach(() => {
    kernel = new FakeKernel();
    failed = [];
    groups = new SolicitedGroups(kernel as unknown as NativeLink);
    groups.failures.subscribe((group, ifindex) => failed.push(`${ifindex} ${group}`));
  });

  it('joins once for two VIPs with the same low 24 bits, and leaves after the second goes', () => {
    groups.attach(2);
    groups.replace([row('2001:db8:5::7', 2), row('2001:db8:6::7', 2)]);
    expect(kernel.list).to.deep.equal(['2 ff02::1:ff00:7']);
    groups.replace([row('2001:db8:6::7', 2)]);
    expect(kernel.list).to.deep.equal(['2 ff02::1:ff00:7']);
    groups.replace([]);
    expect(kernel.list).to.deep.equal([]);
  });

  it('joins on an interface that comes up later', () => {
    groups.replace([row('2001:db8:5::7', 2, 3), row('2001:db8:5::8', 3)]);
    expect(kernel.list).to.deep.equal([]);
    groups.attach(3);
    expect(kernel.list).to.deep.equal(['3 ff02::1:ff00:7', '3 ff02::1:ff00:8']);
    groups.detach(3);
    expect(kernel.list).to.deep.equal([]);
  });

  it('joins nothing for IPv4', () => {
    groups.attach(2);
    groups.replace([row('192.0.2.7', 2)]);
    expect(kernel.list).to.deep.equal([]);
    expect(kernel.sockets).to.equal(0);
  });

  it('tells what it could not join, goes on, and tries again', () => {
    groups.attach(9);
    groups.attach(2);
    groups.replace([row('2001:db8:5::7', 9, 2)]);
    expect(failed).to.deep.equal(['9 ff02::1:ff00:7']);
    expect(kernel.list).to.deep.equal(['2 ff02::1:ff00:7']);
    groups.replace([row('2001:db8:5::7', 9, 2)]);
    expect(failed).to.have.length(2);
  });

  it('tells that no socket could be had, and tries again', () => {
    groups.attach(2);
    kernel.isFull = true;
    groups.replace([row('2001:db8:5::7', 2)]);
    expect(failed).to.deep.equal(['2 ff02::1:ff00:7']);
    kernel.isFull = false;
    groups.replace([row('2001:db8:5::7', 2)]);
    expect(kernel.list).to.deep.equal(['2 ff02::1:ff00:7']);
  });

  it('uses more sockets for more groups, and closes them all', () => {
    groups.attach(2);
    groups.replace(Array.from({ length: 250 }, (_, index) => row(`2001:db8:5::${(index + 1).toString(16)}`, 2)));
    expect(kernel.list).to.have.length(250);
    expect(kernel.sockets).to.equal(3);
    groups.close();
    expect(kernel.list).to.deep.equal([]);
    expect(kernel.sockets).to.equal(0);
  });
});
