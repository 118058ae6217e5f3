// SPDX-License-Identifier: Apache-2.0
import type { InquiryOptions, Question } from '@berth/link';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ip, mac, node } from '../testing.ts';
import { nodeWithMac } from './node-with-mac.ts';

const MAC = mac(7);

describe('nodeWithMac', () => {
  const nodes = ['192.0.2.11', '192.0.2.12'].map((address, index) => ({
    ...node(`edge-${index + 1}`),
    status: { addresses: [{ type: 'InternalIP', address }] },
  }));

  /** The addresses that the station answers for, out of those that it is asked for. */
  async function found(answers: readonly string[], neighbors: readonly (readonly [string, number])[] = []) {
    const clock = new FakeClock();
    const asked: string[] = [];
    const openInquiry = ({ onAnswer }: InquiryOptions) => ({
      ask: ({ target, stations, audience }: Question) => {
        asked.push([target, ...stations, audience].join(' '));
        if (answers.includes(String(target))) onAnswer(target, MAC);
      },
      close: () => {},
    });
    const naming = nodeWithMac(MAC, nodes, {
      ...{ clock, ifindex: 2, mac: mac(1), addresses: [], openInquiry },
      neighbors: async () => neighbors.map(([text, last]) => ({ ip: ip(text), mac: mac(last) })),
    });
    await clock.advance(0);
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(200);
    return { name: await naming, asked };
  }

  it('BL-07: knows it from the kernel, without a question', async () => {
    expect(await found([], [['192.0.2.12', 7]])).to.deep.equal({ name: 'edge-2', asked: [] });
  });

  it('BL-07: asks the station alone for the addresses of the nodes', async () => {
    const { name, asked } = await found(['192.0.2.11'], [['192.0.2.12', 9]]);
    expect(name).to.equal('edge-1');
    expect(asked).to.deep.equal([`192.0.2.11 ${MAC} stations`, `192.0.2.12 ${MAC} stations`]);
  });

  it('finds none for a stranger', async () => {
    expect((await found([], [['192.0.2.99', 7]])).name).to.equal(undefined);
  });

  it('finds none for a router that answers for everybody', async () => {
    expect((await found(['192.0.2.11', '192.0.2.12'])).name).to.equal(undefined);
  });
});
