// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { answersWell, KubeProxyWatch } from './kube-proxy-watch.ts';

describe('KubeProxyWatch', () => {
  it('is unfit after five failures in a row, and fit after one success', async () => {
    const clock = new FakeClock();
    const told: string[] = [];
    let isWell = true;
    const watch = new KubeProxyWatch({ clock, isWell: async () => isWell });
    watch.changes.subscribe((fitness) => told.push(fitness));
    await watch.start();
    await clock.advance(10_000);
    isWell = false;
    await clock.advance(8_000);
    isWell = true;
    await clock.advance(2_000);
    expect(told).to.deep.equal(['fit']);
    isWell = false;
    await clock.advance(10_000);
    expect(told).to.deep.equal(['fit', 'unfit']);
    isWell = true;
    await clock.advance(2_000);
    expect(told).to.deep.equal(['fit', 'unfit', 'fit']);
    watch.stop();
    isWell = false;
    await clock.advance(60_000);
    await settle();
    expect(told).to.deep.equal(['fit', 'unfit', 'fit']);
  });

  it('is unfit at once where the first answer is none', async () => {
    const told: string[] = [];
    const watch = new KubeProxyWatch({ clock: new FakeClock(), isWell: async () => false });
    watch.changes.subscribe((fitness) => told.push(fitness));
    await watch.start();
    expect(told).to.deep.equal(['unfit']);
  });
});

describe('answersWell', () => {
  async function answering(status: number): Promise<boolean> {
    const server = createServer((_, response) => response.writeHead(status).end('some text'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const isWell = await answersWell(`http://127.0.0.1:${port}/healthz`);
    await new Promise((resolve) => server.close(resolve));
    return isWell;
  }

  it('takes 200 for well, everything else and nobody for not', async () => {
    expect(await answering(200)).to.equal(true);
    expect(await answering(503)).to.equal(false);
    expect(await answersWell('http://127.0.0.1:1/healthz')).to.equal(false);
  });
});
