// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { bearerOf, refusalOf } from './request-guard.ts';

const PORT = 7777;
const OWN = { host: '127.0.0.1:7777' };

describe('refusalOf', () => {
  const cases = [
    { name: 'its own name', method: 'GET', headers: OWN, status: undefined },
    { name: 'localhost', method: 'GET', headers: { host: 'localhost:7777' }, status: undefined },
    { name: 'DB-03: no name', method: 'GET', headers: {}, status: 403 },
    { name: 'DB-03: a name that leads here', method: 'GET', headers: { host: 'evil.example:7777' }, status: 403 },
    { name: 'DB-03: another port', method: 'GET', headers: { host: '127.0.0.1:7778' }, status: 403 },
    { name: 'DB-03: another origin', method: 'GET', headers: { ...OWN, origin: 'http://evil.example' }, status: 403 },
    { name: 'DB-03: an origin that hides', method: 'GET', headers: { ...OWN, origin: 'null' }, status: 403 },
    {
      name: 'DB-03: another port as origin',
      method: 'GET',
      headers: { ...OWN, origin: 'http://127.0.0.1:1' },
      status: 403,
    },
    { name: 'its own origin', method: 'GET', headers: { ...OWN, origin: 'http://127.0.0.1:7777' }, status: undefined },
    {
      name: 'DB-03: a script of another page',
      method: 'GET',
      headers: { ...OWN, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      status: 403,
    },
    {
      name: 'a link of another page',
      method: 'GET',
      headers: { ...OWN, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      status: undefined,
    },
    ...['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'].map((method) => ({
      ...{ name: `DB-04: ${method}`, method, headers: OWN, status: 405 },
    })),
  ];
  for (const { name, method, headers, status } of cases) {
    it(`${name}: ${status === undefined ? 'is answered' : `is refused with ${status}`}`, () => {
      expect(refusalOf({ method, headers }, PORT)?.status).to.equal(status);
    });
  }
});

describe('bearerOf', () => {
  it('takes what stands behind Bearer, and nothing else', () => {
    expect(bearerOf({ headers: { authorization: 'Bearer ab-_9' } })).to.equal('ab-_9');
    for (const authorization of ['', 'Bearer ', 'Basic ab', 'Bearer a b', `Bearer ${'a'.repeat(129)}`])
      expect(bearerOf({ headers: { authorization } }), authorization).to.equal(undefined);
  });
});

describe('refusalOf on port 80', () => {
  it('takes the names as browsers send them, and no other', () => {
    expect(refusalOf({ method: 'GET', headers: { host: '127.0.0.1', origin: 'http://127.0.0.1' } }, 80)).to.equal(
      undefined,
    );
    expect(refusalOf({ method: 'GET', headers: { host: 'evil.example' } }, 80)?.status).to.equal(403);
  });
});
