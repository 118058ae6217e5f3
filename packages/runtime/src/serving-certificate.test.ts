// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type CertificatePair, selfSigned } from './self-signed.ts';
import { ServingCertificate } from './serving-certificate.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { RecordingLog } from './testing/recording-log.ts';

describe('ServingCertificate', () => {
  let folder: string;
  let clock: FakeClock;
  let log: RecordingLog;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'berth-'));
    clock = new FakeClock();
    log = new RecordingLog();
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const write = ({ cert, key }: CertificatePair) => {
    writeFileSync(join(folder, 'tls.crt'), cert);
    writeFileSync(join(folder, 'tls.key'), key);
  };
  const open = (from: string | undefined) => new ServingCertificate({ folder: from, name: 'speaker', clock, log });

  it('MO-07: makes one where there is no folder, and looks for no other', () => {
    const certificate = open(undefined);
    certificate.start();
    expect(certificate.current.cert).to.include('BEGIN CERTIFICATE');
    expect(clock.pendingTimers).to.equal(0);
  });

  it('MO-07: takes the files of the folder, and a renewed pair within half a minute', async () => {
    const [first, second] = [selfSigned('one', 0), selfSigned('two', 0)];
    write(first);
    const certificate = open(folder);
    const seen: CertificatePair[] = [];
    certificate.changes.subscribe((pair) => seen.push(pair));
    certificate.start();
    expect(certificate.current).to.deep.equal(first);
    await clock.advance(60_000);
    expect(seen).to.deep.equal([]);
    write(second);
    await clock.advance(30_000);
    expect([certificate.current, seen]).to.deep.equal([second, [second]]);
    certificate.stop();
    expect(clock.pendingTimers).to.equal(0);
  });

  it('MO-07: goes on with the one before while the files are no pair, and says so once', async () => {
    const good = selfSigned('one', 0);
    write(good);
    const certificate = open(folder);
    certificate.start();
    write({ cert: selfSigned('two', 0).cert, key: good.key });
    await clock.advance(90_000);
    expect(certificate.current).to.deep.equal(good);
    expect(log.lines.filter((line) => line.includes('cannot be read'))).to.have.length(1);
    certificate.stop();
  });

  it('MO-07: serves with one of its own until the Secret is mounted', async () => {
    const certificate = open(join(folder, 'nothing'));
    expect(certificate.current.cert).to.include('BEGIN CERTIFICATE');
    certificate.stop();
  });
});
