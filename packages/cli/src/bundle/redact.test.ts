// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { redacted } from './redact.ts';

describe('redacted', () => {
  const rows: { name: string; text: string; left: string }[] = [
    {
      name: 'a bearer token',
      text: 'sent Authorization: Bearer abc.def-123',
      left: 'sent Authorization: Bearer (left out)',
    },
    { name: 'a JWT', text: 'token eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJr.c2ln end', left: 'token (left out) end' },
    { name: 'a password in JSON', text: '{"password":"hunter22","n":1}', left: '{"password":"(left out)","n":1}' },
    { name: 'one in JSON in JSON', text: '{\\"apiKey\\":\\"hunter22\\"}', left: '{\\"apiKey\\":\\"(left out)\\"}' },
    { name: 'an option', text: '--proxy-token=hunter22 --port=1', left: '--proxy-token=(left out) --port=1' },
    { name: 'a URL', text: 'https://jane:hunter22@192.0.2.1/x', left: 'https://jane:(left out)@192.0.2.1/x' },
    {
      name: 'a private key',
      text: 'a\n-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\nb',
      left: 'a\n(left out)\nb',
    },
    {
      name: 'a private key that is cut off, in JSON',
      text: '{"message":"-----BEGIN PRIVATE KEY-----\\nMHcC","n":1}',
      left: '{"message":"(left out)","n":1}',
    },
    { name: 'a private key that is cut off', text: '-----BEGIN PRIVATE KEY-----\nMHcC', left: '(left out)' },
  ];
  for (const { name, text, left } of rows)
    it(`CL-11: leaves out ${name}`, () => {
      expect(redacted(text)).to.equal(left);
    });

  it('CL-11: leaves out what is known to be a secret, wherever it stands', () => {
    expect(redacted('started with s3cr3t-value, x', ['s3cr3t-value', 'x'])).to.equal('started with (left out), x');
  });

  it('leaves what speaks of keys and Secrets as it is', () => {
    const text =
      '{"level":"info","message":"key of Secret berth-system/heartbeat is read","key":"shop/web","newest":"1dfbbaab"}';
    expect(redacted(text)).to.equal(text);
  });
});
