// SPDX-License-Identifier: Apache-2.0
import { IpAddress } from '@berth/core';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { DefaultRoutes, defaultRouteFilter } from './default-routes.ts';
import type { Gateway } from './neighbor-messages.ts';
import { runFilter } from './testing.ts';

describe('DefaultRoutes', () => {
  let clock: FakeClock;
  let gateways: Gateway[];
  let reads: number;
  let onNews: () => void;
  let failures: unknown[];
  let isBroken: boolean;

  beforeEach(() => {
    clock = new FakeClock();
    gateways = [gateway(3, 1), gateway(4, 2)];
    reads = 0;
    failures = [];
    isBroken = false;
  });

  async function started(): Promise<DefaultRoutes> {
    const routes = new DefaultRoutes({
      clock,
      read: async () => {
        reads += 1;
        if (isBroken) throw new Error('link: read routes: errno 16');
        return gateways;
      },
      listen: (tell) => {
        onNews = tell;
        return { close: () => {} };
      },
    });
    routes.failures.subscribe((error) => failures.push(error));
    routes.start();
    await settled();
    return routes;
  }

  it('WT-02: names the next hops of an interface, each once', async () => {
    gateways.push(gateway(3, 1));
    const routes = await started();
    expect(routes.on(3).map(String)).to.deep.equal(['203.0.113.1']);
    expect(routes.on(4).map(String)).to.deep.equal(['203.0.113.2']);
    expect(routes.on(5)).to.deep.equal([]);
  });

  it('WT-02: follows the kernel, and reads once for many pieces of news', async () => {
    const routes = await started();
    gateways = [gateway(3, 9)];
    for (let count = 0; count < 50; count++) onNews();
    clock.runUntil(20);
    await settled();
    expect(routes.on(3).map(String)).to.deep.equal(['203.0.113.9']);
    expect(reads).to.equal(2);
  });

  it('keeps what it knows when the kernel cannot be read, and tries again', async () => {
    const routes = await started();
    isBroken = true;
    onNews();
    clock.runUntil(20);
    await settled();
    expect(routes.on(3)).to.have.length(1);
    expect(failures).to.have.length(1);
    isBroken = false;
    gateways = [];
    clock.runUntil(1_100);
    await settled();
    expect(routes.on(3)).to.deep.equal([]);
  });

  it('reads nothing any more once it is stopped', async () => {
    const routes = await started();
    onNews();
    routes.stop();
    clock.runUntil(5_000);
    await settled();
    expect(reads).to.equal(1);
  });
});

describe('defaultRouteFilter', () => {
  it('keeps news of default routes alone', () => {
    const message = (destinationBits: number) => {
      const bytes = new Uint8Array(28);
      bytes[17] = destinationBits;
      return bytes;
    };
    expect(runFilter(defaultRouteFilter(), message(0))).to.be.above(0);
    for (const bits of [1, 24, 32, 64, 128]) expect(runFilter(defaultRouteFilter(), message(bits))).to.equal(0);
  });
});

function gateway(ifindex: number, lastByte: number): Gateway {
  return { ifindex, ip: IpAddress.of('IPv4', 0xcb007100n + BigInt(lastByte)) };
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
