// SPDX-License-Identifier: Apache-2.0

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { KubeError } from './errors.ts';
import { Transport } from './transport.ts';

describe('Transport', () => {
  it('sends nothing when it is stopped while the credentials are read', async () => {
    const stopper = new AbortController();
    const access = {
      // Nothing listens there: a request that is sent fails with another code.
      server: 'http://127.0.0.1:9',
      namespace: undefined,
      credentials: async () => {
        stopper.abort();
        return { headers: {}, tls: {} };
      },
      invalidate() {},
    };
    const transport = new Transport({ access, clock: systemClock, maxConnections: 1, userAgent: 'test' });
    const request = { method: 'GET', path: '/', timeoutMs: 1000, isStream: false, signal: stopper.signal };
    const error = await transport.open(request).catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(KubeError).with.property('code', 'aborted');
  });

  it('keeps nothing of an answer that was read, while its connection lives on', async () => {
    const server = createServer((_, response) => response.end('a part of a list')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const answers: IncomingMessage[] = [];
    const note = (message: unknown) => answers.push((message as { response: IncomingMessage }).response);
    subscribe('http.client.response.finish', note);
    try {
      const access = {
        server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        namespace: undefined,
        credentials: async () => ({ headers: {}, tls: {} }),
        invalidate() {},
      };
      const transport = new Transport({ access, clock: systemClock, maxConnections: 1, userAgent: 'test' });
      const response = await transport.open({ method: 'GET', path: '/', timeoutMs: 1000, isStream: false });
      expect(await response.text()).to.equal('a part of a list');
      // Node itself listens for the end.
      const heard = answers.map((answer) => ['data', 'close'].map((event) => answer.listenerCount(event)));
      expect(heard).to.deep.equal([[0, 0]]);
      transport.close();
    } finally {
      unsubscribe('http.client.response.finish', note);
      server.close();
      server.closeAllConnections();
    }
  });
});
