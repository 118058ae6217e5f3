// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect } from 'chai';
import { HttpServer, MOST_CONNECTIONS } from './http-server.ts';

const HOST = '127.0.0.1';

function newServer(port: number, why: () => string | undefined): HttpServer {
  return new HttpServer({
    ...{ host: HOST, port },
    whyNotReady: why,
    metrics: (accept) => Promise.resolve({ text: 'a 1\n', type: accept ?? '' }),
    listenAgainMs: 20,
  });
}

async function get(port: number, path: string): Promise<string> {
  const response = await fetch(`http://${HOST}:${port}${path}`);
  return `${response.status} ${await response.text()}`;
}

describe('HttpServer', () => {
  it('says why it is not ready, and when it is', async () => {
    let why: string | undefined = 'waiting for a Secret';
    const server = newServer(0, () => why);
    await server.start();
    expect(await get(server.port, '/readyz')).to.equal('503 not ready: waiting for a Secret\n');
    why = undefined;
    expect(await get(server.port, '/readyz')).to.equal('200 ok\n');
    expect(await get(server.port, '/metrics')).to.equal('200 a 1\n');
    await server.stop();
  });

  it('MO-12: answers with the type of the page that the header Accept asks for', async () => {
    const server = newServer(0, () => undefined);
    await server.start();
    const response = await fetch(`http://${HOST}:${server.port}/metrics`, { headers: { accept: 'text/x-asked' } });
    expect(response.headers.get('content-type')).to.equal('text/x-asked');
    await server.stop();
  });

  it('AT-12: tells once that its port is taken, and listens as soon as it is free', async () => {
    const other = createServer().listen(0, HOST);
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const failures: unknown[] = [];
    const server = newServer(port, () => undefined);
    server.listenPatiently((error) => failures.push((error as NodeJS.ErrnoException).code));
    while (failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 100));
    other.close();
    await once(other, 'close');
    while ((await get(port, '/healthz').catch(() => '')) !== '200 ok\n')
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(failures).to.deep.equal(['EADDRINUSE']);
    await server.stop();
  });

  it('closes connections beyond a number at once, and serves again when one has ended', async () => {
    const server = newServer(0, () => undefined);
    await server.start();
    const { port } = server;
    const held = Array.from({ length: MOST_CONNECTIONS }, () => connect(port, HOST));
    await Promise.all(held.map((one) => once(one, 'connect')));
    const tooMany = connect(port, HOST);
    tooMany.on('error', () => {});
    await once(tooMany, 'close');
    held[0]?.destroy();
    while ((await get(port, '/healthz').catch(() => '')) !== '200 ok\n')
      await new Promise((resolve) => setTimeout(resolve, 5));
    for (const one of held) one.on('error', () => {}).destroy();
    await server.stop();
  });

  it('stops while it waits for its port', async () => {
    const other = createServer().listen(0, HOST);
    await once(other, 'listening');
    const server = newServer((other.address() as AddressInfo).port, () => undefined);
    await new Promise<void>((resolve) => server.listenPatiently(() => resolve()));
    await server.stop();
    other.close();
  });
});
