// SPDX-License-Identifier: Apache-2.0
import type { Service } from '@berth/kube';
import { expect } from 'chai';
import { newWriters, otherStatusWriters, writersOf } from './other-writer.ts';

const entry = (manager: string, time: string, status: object) => ({
  ...{ manager, time, operation: 'Update', subresource: 'status' },
  fieldsV1: { 'f:status': status },
});
const ADDRESSES = { 'f:loadBalancer': { 'f:ingress': {} } };

describe('writers of a status', () => {
  it('FA-07: are others that wrote addresses, or a condition that Berth writes', () => {
    const entries = [
      entry('berth-controller', 't1', ADDRESSES),
      entry('k3s', 't2', ADDRESSES),
      entry('mark', 't3', { 'f:conditions': { 'k:{"type":"berth.dev/Given"}': {} } }),
      entry('gateway', 't4', { 'f:conditions': { 'k:{"type":"example.com/Ready"}': {} } }),
      { manager: 'kubectl', time: 't5', fieldsV1: { 'f:spec': {} } },
    ];
    expect(otherStatusWriters(entries)).to.deep.equal([
      { manager: 'k3s', time: 't2' },
      { manager: 'mark', time: 't3' },
    ]);
  });

  it('FA-07: are new where their last write is not among the known ones', () => {
    const managedFields = [
      { manager: 'k3s', time: 't2' },
      { manager: 'mark', time: 't3' },
    ];
    const ingress = [{ ip: '192.0.2.7' }, { hostname: 'lb.example' }];
    const service: Service = { metadata: { name: 'web', managedFields }, status: { loadBalancer: { ingress } } };
    const known = writersOf({ metadata: { name: 'web', managedFields: managedFields.slice(0, 1) } });
    expect(newWriters(service, known)).to.deep.equal([{ manager: 'mark', shown: '192.0.2.7 and lb.example' }]);
    expect(newWriters({ metadata: { name: 'web' } }, known)).to.deep.equal([]);
  });
});
