// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@berth/runtime';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { KubeClient } from './client.ts';
import { leases } from './resources.ts';
import { ServerClock } from './server-clock.ts';

describe('ServerClock', () => {
  const own = new FakeClock();
  const dateIn = (aheadMs: number) => new Date(own.date().getTime() + aheadMs).toUTCString();

  for (const { name, aheadMs, known } of [
    { name: 'is that of the API server where it is half a minute ahead', aheadMs: 30_000, known: 30_000 },
    { name: 'is that of the API server where it is minutes behind', aheadMs: -300_000, known: -300_000 },
    { name: 'is the own one where the two agree to the second', aheadMs: -1_000, known: 0 },
  ])
    it(`DB-22: ${name}`, () => {
      const clock = new ServerClock(own);
      clock.heard(dateIn(aheadMs));
      expect(Math.abs(clock.date().getTime() - own.date().getTime() - known)).to.be.at.most(1_000);
    });

  it('DB-22: is the own one before the first answer, and keeps what it knows when an answer has no date', () => {
    const clock = new ServerClock(own);
    expect(clock.aheadMs).to.equal(0);
    clock.heard(dateIn(60_000));
    const { aheadMs } = clock;
    for (const date of [undefined, '', 'yesterday']) clock.heard(date);
    expect([clock.aheadMs, aheadMs > 58_000]).to.deep.equal([aheadMs, true]);
  });

  it('DB-22: hears of it with every answer of the API server, a refusal too', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(403, {
        Date: new Date(Date.now() - 90_000).toUTCString(),
        'Content-Type': 'application/json',
      });
      response.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const clock = new ServerClock(systemClock);
    const access = {
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      namespace: undefined,
      credentials: async () => ({ headers: {}, tls: {} }),
      invalidate() {},
    };
    const client = new KubeClient({ access, clock, onDate: (date) => clock.heard(date) });
    try {
      await client.list(leases).catch(() => undefined);
      expect(clock.aheadMs).to.be.within(-92_000, -88_000);
    } finally {
      client.close();
      server.close();
    }
  });
});
