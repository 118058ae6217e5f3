// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { askHealthPort, LocalEndpoints } from './local-endpoints.ts';

/** What kube-proxy's service health server answers (pkg/proxy/healthcheck). */
async function asked(status: number, headers: Record<string, string>): Promise<number> {
  const server = createServer((_request, response) => response.writeHead(status, headers).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await askHealthPort('127.0.0.1', (server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

const answered = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('askHealthPort', () => {
  for (const { name, status, header, weight } of [
    { name: 'three endpoints', status: 200, header: '3', weight: 3 },
    { name: 'more endpoints than weights', status: 200, header: '40', weight: 8 },
    { name: 'a kube-proxy that tells no number', status: 200, header: undefined, weight: 1 },
    { name: 'a number that means nothing', status: 200, header: 'x', weight: 1 },
    { name: 'no endpoint', status: 503, header: '0', weight: 0 },
  ])
    it(`EN-16: takes ${name} for weight ${weight}`, async () => {
      const headers: Record<string, string> =
        header === undefined ? {} : { 'X-Load-Balancing-Endpoint-Weight': header };
      expect(await asked(status, headers)).to.equal(weight);
    });

  it('EN-16: takes no answer for weight 0', async () => {
    expect(await askHealthPort('127.0.0.1', 1)).to.equal(0);
  });
});

describe('LocalEndpoints', () => {
  it('EN-16: asks again, tells changes, and forgets what is not followed', async () => {
    const clock = new FakeClock();
    let answer = 0;
    let changes = 0;
    let questions = 0;
    const local = new LocalEndpoints({
      clock,
      hosts: () => ['127.0.0.1', '203.0.113.2'],
      ask: (host, port) => {
        expect(port).to.equal(31_000);
        questions++;
        // As kube-proxy in nftables mode: it listens on the node's address alone.
        return Promise.resolve(host === '203.0.113.2' ? answer : 0);
      },
      onChange: () => changes++,
    });
    local.follow(new Set([31_000]));
    await answered();
    expect(local.weightOf(31_000)).to.equal(0);
    answer = 4;
    await clock.advance(250);
    await answered();
    expect([local.weightOf(31_000), changes]).to.deep.equal([4, 1]);
    local.follow(new Set());
    await clock.advance(5_000);
    expect([local.weightOf(31_000), questions]).to.deep.equal([0, 4]);
  });
});
