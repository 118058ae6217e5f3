// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { selfSigned } from './self-signed.ts';

const NOW_MS = Date.parse('2026-11-30T12:00:00Z');

describe('selfSigned', () => {
  it('MO-07: makes a certificate that its own key has signed, for this name, from a day ago on for ten years', () => {
    const { cert, key } = selfSigned('berth-controller', NOW_MS);
    const read = new X509Certificate(cert);
    expect(read.verify(read.publicKey)).to.equal(true);
    expect(read.checkPrivateKey(createPrivateKey(key))).to.equal(true);
    expect([read.subject, read.issuer]).to.deep.equal(['CN=berth-controller', 'CN=berth-controller']);
    expect(read.checkHost('berth-controller')).to.equal('berth-controller');
    expect(read.keyUsage).to.deep.equal(['1.3.6.1.5.5.7.3.1']);
    expect(Date.parse(read.validFrom)).to.equal(NOW_MS - 86_400_000);
    expect(Date.parse(read.validTo)).to.equal(NOW_MS + 3_650 * 86_400_000);
  });

  it('MO-07: gives each one a key and a serial number of its own, whatever the length of the name', () => {
    const all = ['a', 'b'.repeat(40), 'c'.repeat(63)].map((name) => new X509Certificate(selfSigned(name, NOW_MS).cert));
    expect(new Set(all.map(({ serialNumber }) => serialNumber)).size).to.equal(3);
    expect(new Set(all.map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'pem' }))).size).to.equal(3);
  });
});
