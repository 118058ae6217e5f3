// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { request } from 'node:https';
import { connect } from 'node:net';
import { expect } from 'chai';
import { type ObservationServer, observationServer } from './observation-server.ts';
import type { Admission } from './secure-metrics-server.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { freePorts } from './testing/free-ports.ts';
import { RecordingLog } from './testing/recording-log.ts';

const HOST = '127.0.0.1';
/** Ports, other ones for each test. */
let metrics: number;
let health: number;

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
  readonly asks: string | undefined;
}

async function get(path: string, authorization?: string): Promise<Answer> {
  const headers = authorization === undefined ? {} : { authorization };
  const sent = request({ host: HOST, port: metrics, path, headers, rejectUnauthorized: false, agent: false });
  sent.end();
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text, asks: response.headers['www-authenticate'] };
}

describe('observationServer with tokens', () => {
  let server: ObservationServer;
  let asked: string[];
  let why: string | undefined;

  beforeEach(async () => {
    asked = [];
    why = undefined;
    [metrics = 0, health = 0] = await freePorts(2);
    server = observationServer({
      config: {
        ...{ metricsAddress: { host: HOST, port: metrics }, healthAddress: { host: HOST, port: health } },
        ...{ metricsAuth: 'token', metricsCertFolder: undefined },
      },
      ...{ name: 'controller', clock: new FakeClock(), log: new RecordingLog() },
      whyNotReady: () => why,
      metrics: () => Promise.resolve({ text: 'a 1\n', type: 'text/plain' }),
      admit: (token): Promise<Admission> => {
        asked.push(token);
        return Promise.resolve(token === 'good' ? { status: 200 } : { status: 403, why: 'not you' });
      },
    });
    await server.start();
  });

  afterEach(() => server.stop());

  it('MO-08: serves metrics over TLS to whom the gate lets in', async () => {
    expect(await get('/metrics', 'Bearer good')).to.include({ status: 200, text: 'a 1\n' });
    expect(await get('/metrics', 'bearer good')).to.include({ status: 200 });
    expect(await get('/metrics', 'Bearer bad')).to.include({ status: 403, text: 'not you\n' });
  });

  it('MO-08: asks nobody about what is no token', async () => {
    for (const header of [undefined, '', 'Basic abc', 'Bearer', 'Bearer a b', 'Bearer "x"'])
      expect(await get('/metrics', header), header).to.include({ status: 401, asks: 'Bearer' });
    expect(asked).to.deep.equal([]);
  });

  it('MO-08: serves nothing else there, and no plain HTTP', async () => {
    for (const path of ['/healthz', '/readyz', '/', '/metrics/x'])
      expect(await get(path, 'Bearer good'), path).to.include({ status: 404 });
    const plain = connect(metrics, HOST);
    plain.on('error', () => {});
    plain.write('GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n\r\n');
    let text = '';
    plain.on('data', (chunk) => {
      text += chunk;
    });
    await once(plain, 'close');
    expect(text).to.not.include('a 1');
  });

  it('MO-08: serves health in plain on a port of its own, without metrics', async () => {
    const plain = async (path: string) => (await fetch(`http://${HOST}:${health}${path}`)).status;
    expect([await plain('/healthz'), await plain('/readyz'), await plain('/metrics')]).to.deep.equal([200, 200, 404]);
    why = 'starting';
    expect(await plain('/readyz')).to.equal(503);
  });
});
