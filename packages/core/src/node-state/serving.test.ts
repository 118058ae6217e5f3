// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import * as fc from 'fast-check';
import { IpAddress } from '../net/ip-address.ts';
import { decodeNodeHealth, decodeNodeState } from './decode.ts';
import { encodeNodeHealth, encodeNodeState } from './encode.ts';
import { decodeServing, type ServingState } from './serving.ts';
import { IDLE_NODE_STATE } from './testing.ts';

function ip(text: string): IpAddress {
  const address = IpAddress.parse(text);
  if (!address.ok) throw new Error(address.reason);
  return address.value;
}

const SERVERS: ServingState['servers'] = [
  { node: 'edge-1', state: 'serving', weight: 3 },
  { node: 'edge-2', state: 'draining', weight: 1 },
];

function one(vip: string, more: Partial<ServingState> = {}): ServingState {
  return { vip: ip(vip), interface: 'lan0', sinceSeconds: 1_800_000_000, servers: SERVERS, ...more };
}

function written(serving: readonly ServingState[]): unknown {
  const decoded = decodeNodeState(encodeNodeState({ ...IDLE_NODE_STATE, serving }));
  return decoded.ok && decoded.value.serving;
}

describe('who serves, as text', () => {
  it('EN-28: comes back as it was', () => {
    const serving = [
      one('192.0.2.7'),
      one('192.0.2.9'),
      one('192.0.2.10', { alone: { why: 'nodes-without', nodes: ['edge-3', 'edge-4'], code: '' } }),
      one('192.0.2.11', { servers: [], alone: { why: 'program', nodes: [], code: 'EPERM' } }),
      one('2001:db8::7'),
    ];
    expect(written(serving)).to.deep.equal(serving);
  });

  it('EN-28: 1,000 VIPs with the same words take 8 kB at most', () => {
    const serving = Array.from({ length: 1_000 }, (_, index) => one(`198.18.${index >> 8}.${index & 255}`));
    expect(encodeNodeState({ ...IDLE_NODE_STATE, serving }).length).to.be.below(8_000);
  });

  it('EN-28: a reason that only newer speakers know is unknown', () => {
    const [found] = decodeServing([['lan0', 1, 'IPv4', '1', [], 'tides', [], '']]) ?? [];
    expect(found?.alone?.why).to.equal('unknown');
  });

  it('EN-28: never throws, and what cannot be read costs nothing else', () => {
    for (const value of fc.sample(fc.jsonValue(), 500)) expect(() => decodeServing(value)).to.not.throw();
    const text = JSON.stringify({ ...JSON.parse(encodeNodeState(IDLE_NODE_STATE)), serving: [['lan0', -1]] });
    expect(decodeNodeState(text)).to.deep.equal({ ok: true, value: IDLE_NODE_STATE });
  });
});

describe('health of a node that serves its share', () => {
  const rows = [
    { name: 'without', spread: undefined },
    { name: 'with packets and strays of an older speaker', spread: { forwarded: 12, strays: 3, flows: undefined } },
    { name: 'with packets, strays and flows', spread: { forwarded: 12, strays: 3, flows: 9 } },
  ];
  for (const { name, spread } of rows)
    it(`EN-28: comes back as it was, ${name}`, () => {
      const health = { latestMs: 3, lapses: 0, ...(spread && { spread }) };
      expect(decodeNodeHealth(encodeNodeHealth(health))).to.deep.equal(health);
    });
});
