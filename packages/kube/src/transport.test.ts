// SPDX-License-Identifier: Apache-2.0

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
});
