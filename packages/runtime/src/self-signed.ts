// SPDX-License-Identifier: Apache-2.0
/**
 * A certificate that a process makes for itself (RFC 5280), so that what it serves is encrypted without anybody's
 * doing. It proves nothing about who serves: whoever wants that gives a certificate of an authority. node:crypto signs
 * and reads X.509 and cannot make it, so its DER is written here.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A certificate with its key, PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;
/** It is made anew at each start, and pods live for less. */
const VALID_DAYS = 3_650;
/** Clocks of others may be behind. */
const SLACK_DAYS = 1;

/** Tags of ASN.1 (X.690). */
const TAG = { integer: 2, bits: 3, octets: 4, oid: 6, utf8: 12, time: 24, sequence: 0x30, set: 0x31 } as const;
/** Context-specific tags: the version and the extensions of a certificate, and a DNS name. */
const [VERSION, EXTENSIONS, DNS_NAME] = [0xa0, 0xa3, 0x82];

/** Object identifiers, encoded: ecdsa-with-SHA256, commonName, subjectAltName, extKeyUsage, serverAuth. */
const OID = {
  ecdsaSha256: Buffer.from('2a8648ce3d040302', 'hex'),
  commonName: Buffer.from('550403', 'hex'),
  subjectAltName: Buffer.from('551d11', 'hex'),
  extKeyUsage: Buffer.from('551d25', 'hex'),
  serverAuth: Buffer.from('2b06010505070301', 'hex'),
};

/** Makes a certificate for a name, with an ECDSA key on P-256 of its own. `nowMs` is milliseconds since the epoch. */
export function selfSigned(name: string, nowMs: number): CertificatePair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(TAG.sequence, der(TAG.oid, OID.ecdsaSha256));
  const whose = der(TAG.sequence, der(TAG.set, der(TAG.sequence, der(TAG.oid, OID.commonName), utf8(name))));
  const times = der(TAG.sequence, timeOf(nowMs - SLACK_DAYS * DAY_MS), timeOf(nowMs + VALID_DAYS * DAY_MS));
  const body = der(
    TAG.sequence,
    der(VERSION, der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, serialNumber()),
    ...[algorithm, whose, times, whose],
    publicKey.export({ type: 'spki', format: 'der' }),
    der(EXTENSIONS, der(TAG.sequence, ...extensionsFor(name))),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = der(TAG.sequence, body, algorithm, bitString(signature));
  return { cert: pem('CERTIFICATE', certificate), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function extensionsFor(name: string): Buffer[] {
  const names = der(TAG.sequence, der(DNS_NAME, Buffer.from(name, 'ascii')));
  const usages = der(TAG.sequence, der(TAG.oid, OID.serverAuth));
  return [
    der(TAG.sequence, der(TAG.oid, OID.subjectAltName), der(TAG.octets, names)),
    der(TAG.sequence, der(TAG.oid, OID.extKeyUsage), der(TAG.octets, usages)),
  ];
}

/** Positive, and not empty of entropy (RFC 5280, 4.1.2.2). */
function serialNumber(): Buffer {
  return Buffer.concat([Buffer.from([0x40]), randomBytes(15)]);
}

/** GeneralizedTime, `YYYYMMDDHHMMSSZ`. */
function timeOf(ms: number): Buffer {
  return der(TAG.time, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]|\.\d+Z/g, '')}Z`, 'ascii'));
}

function utf8(text: string): Buffer {
  return der(TAG.utf8, Buffer.from(text, 'utf8'));
}

/** No bit of the last byte is unused. */
function bitString(bytes: Buffer): Buffer {
  return der(TAG.bits, Buffer.from([0]), bytes);
}

/** One element: tag, length and content. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

/** Short form up to 127, else the number of bytes and the bytes. */
function lengthOf(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes]);
  return bytes < 0x100 ? Buffer.from([0x81, bytes]) : Buffer.from([0x82, bytes >> 8, bytes & 0xff]);
}

function pem(what: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${what}-----\n${lines.join('\n')}\n-----END ${what}-----\n`;
}
