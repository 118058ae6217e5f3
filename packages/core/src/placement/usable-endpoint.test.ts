// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { isUsable, nodesWithEndpoint } from './usable-endpoint.ts';

describe('isUsable', () => {
  const rows: { name: string; conditions?: { ready?: boolean; serving?: boolean }; usable: boolean }[] = [
    { name: 'without conditions', usable: true },
    { name: 'without ready', conditions: {}, usable: true },
    { name: 'ready', conditions: { ready: true }, usable: true },
    { name: 'terminating but serving', conditions: { ready: false, serving: true }, usable: true },
    { name: 'ready and not serving', conditions: { ready: true, serving: false }, usable: true },
    { name: 'not ready', conditions: { ready: false }, usable: false },
    { name: 'neither ready nor serving', conditions: { ready: false, serving: false }, usable: false },
  ];
  for (const { name, conditions, usable } of rows) {
    it(`EL-03: an endpoint ${name} is ${usable ? '' : 'not '}usable`, () => {
      expect(isUsable(conditions ? { conditions } : {})).to.equal(usable);
    });
  }
});

describe('nodesWithEndpoint', () => {
  it('EL-03: merges slices and leaves out endpoints without a node', () => {
    const slices = [
      { endpoints: [{ nodeName: 'edge-1' }, { nodeName: 'edge-1' }, {}] },
      { endpoints: [{ nodeName: 'edge-2', conditions: { ready: false } }, { nodeName: 'edge-3' }] },
      { endpoints: null },
    ];
    expect([...nodesWithEndpoint(slices)].sort()).to.deep.equal(['edge-1', 'edge-3']);
  });
});
