// SPDX-License-Identifier: Apache-2.0
import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { compressed, pageFile } from '@berth/dashboard';
import { expect } from 'chai';
import { PageServer } from './page-server.ts';

const FILES = new Map([['/index.html', pageFile('/index.html', compressed('<p>page</p>'))]]);

interface Got {
  readonly status: number | undefined;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

describe('PageServer', () => {
  let server: PageServer;
  let questions: string[];

  beforeEach(async () => {
    questions = [];
    server = new PageServer({
      port: 0,
      files: FILES,
      answer: (path, query) => {
        questions.push(`${path}?${query}`);
        if (path === '/broken') throw new Error('not well');
        return path === '/known' ? { value: { a: 1 } } : undefined;
      },
      stream: (response) => response.end('streaming'),
    });
    await server.start();
  });

  afterEach(() => server.stop());

  function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: server.port, path, method, headers };
      request(options, async (response) => {
        resolve({ status: response.statusCode, headers: response.headers, body: await text(response) });
      })
        .once('error', reject)
        .end();
    });
  }

  async function session(): Promise<Record<string, string>> {
    const token = server.address.split('#')[1] ?? '';
    const { body } = await get('/session', { authorization: `Bearer ${token}` });
    return { authorization: `Bearer ${(JSON.parse(body) as { session: string }).session}` };
  }

  it('DB-01: listens on 127.0.0.1 and on no other address of the machine', async () => {
    const others = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    const addresses = ['::1', ...others.filter(({ internal }) => !internal).map(({ address }) => address)];
    for (const host of addresses) expect(await canConnect(host, server.port), host).to.equal(false);
    expect(await canConnect('127.0.0.1', server.port)).to.equal(true);
  });

  it('DB-02: answers nothing about the cluster without a session', async () => {
    const token = server.address.split('#')[1] ?? '';
    for (const path of ['/events', '/known', '/nothing']) {
      for (const headers of [
        {},
        { authorization: 'Bearer x' },
        { authorization: `Bearer ${token}` },
        { cookie: `s=${token}` },
      ])
        expect((await get(path, headers)).status, `${path} ${JSON.stringify(headers)}`).to.equal(401);
    }
    expect(questions).to.deep.equal([]);
  });

  it('DB-02: spends the token once', async () => {
    const token = server.address.split('#')[1] ?? '';
    const headers = await session();
    expect((await get('/session', { authorization: `Bearer ${token}` })).status).to.equal(401);
    expect(JSON.parse((await get('/known?x=1', headers)).body)).to.deep.equal({ a: 1 });
    expect((await get('/events', headers)).body).to.equal('streaming');
    expect((await get('/nothing', headers)).status).to.equal(404);
    expect(questions).to.deep.equal(['/known?x=1', '/nothing?']);
  });

  it('DB-03, DB-04: refuses another name and other methods before anything else', async () => {
    const headers = await session();
    expect((await get('/known', { ...headers, host: 'evil.example' })).status).to.equal(403);
    expect((await get('/known', { ...headers, origin: 'http://evil.example' })).status).to.equal(403);
    expect((await get('/known', headers, 'POST')).status).to.equal(405);
    expect((await get('/', { host: 'evil.example' })).status).to.equal(403);
    expect(questions).to.deep.equal([]);
  });

  it('DB-05: allows the page nothing from elsewhere, and no cache and no frame to keep it', async () => {
    const headers = await session();
    for (const { headers: sent } of [await get('/'), await get('/known', headers), await get('/known')]) {
      expect(sent['content-security-policy'])
        .to.include("default-src 'none'; script-src 'self'; style-src 'self'")
        .and.include("frame-ancestors 'none'")
        .and.not.include('unsafe');
      expect(sent['cache-control']).to.equal('no-store');
      expect(sent['access-control-allow-origin']).to.equal(undefined);
      expect(sent['set-cookie']).to.equal(undefined);
    }
  });

  it('sends files compressed to those who take that, and as they are to others', async () => {
    const plain = await get('/');
    expect(plain.headers['content-type']).to.equal('text/html; charset=utf-8');
    expect(plain.body).to.equal('<p>page</p>');
    expect((await get('/', { 'accept-encoding': 'gzip, br' })).headers['content-encoding']).to.equal('gzip');
  });

  it('goes on after a question that fails', async () => {
    const headers = await session();
    expect(await get('/broken', headers)).to.include({ status: 400, body: 'not well\n' });
    expect((await get('/known', headers)).status).to.equal(200);
  });

  it('DB-19: cuts off whoever does not say in time what it wants', async () => {
    const patient = new PageServer({
      ...{ port: 0, files: FILES, askWithinMs: 100 },
      answer: () => undefined,
      stream: () => {},
    });
    await patient.start();
    const silent = connect({ host: '127.0.0.1', port: patient.port });
    const slow = connect({ host: '127.0.0.1', port: patient.port });
    slow.write('GET / HTTP/1.1\r\nHost: 127');
    const ends = [silent, slow].map((socket) => new Promise((resolve) => socket.resume().once('close', resolve)));
    await Promise.all(ends);
    await patient.stop();
  });

  it('DB-01: says that the port is taken', async () => {
    const second = new PageServer({ port: server.port, files: FILES, answer: () => undefined, stream: () => {} });
    const error = await second.start().then(
      () => undefined,
      (reason: NodeJS.ErrnoException) => reason,
    );
    expect(error?.code).to.equal('EADDRINUSE');
  });
});

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 });
    const end = (isConnected: boolean) => {
      socket.destroy();
      resolve(isConnected);
    };
    socket.once('connect', () => end(true));
    for (const event of ['error', 'timeout']) socket.once(event, () => end(false));
  });
}
