// SPDX-License-Identifier: Apache-2.0
/**
 * The certificate that metrics are served with: tls.crt and tls.key of a folder, as a Secret of type kubernetes.io/tls
 * is mounted, read again when they change; or one that the process makes for itself, where there is no folder or
 * nothing in it yet.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Clock, Timer } from './clock.ts';
import { errorFields, type Log } from './log.ts';
import { type CertificatePair, selfSigned } from './self-signed.ts';
import { Signal } from './signal.ts';

/** How often the files are looked at, in milliseconds; the kubelet takes about a minute to bring a changed Secret. */
const LOOK_MS = 30_000;

export interface ServingCertificateOptions {
  /** Undefined: one is made. */
  readonly folder: string | undefined;
  /** What the process calls itself in a certificate of its own. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class ServingCertificate {
  /** Another one was read of the folder. */
  readonly changes = new Signal<[pair: CertificatePair]>();
  readonly #options: ServingCertificateOptions;
  #current: CertificatePair;
  #timer: Timer | undefined;
  /** What was logged last about files that cannot be used. */
  #logged = '';

  constructor(options: ServingCertificateOptions) {
    this.#options = options;
    this.#current = this.#fromFolder() ?? selfSigned(options.name, options.clock.date().getTime());
  }

  /** The newest one that can be used. */
  get current(): CertificatePair {
    return this.#current;
  }

  /** Begins to look for changes; without a folder there are none. */
  start(): void {
    if (this.#options.folder === undefined) return;
    this.#timer = this.#options.clock.after(LOOK_MS, () => {
      const next = this.#fromFolder();
      if (next !== undefined && (next.cert !== this.#current.cert || next.key !== this.#current.key)) this.#use(next);
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #use(next: CertificatePair): void {
    this.#current = next;
    this.changes.emit(next);
    this.#options.log.info('certificate of the metrics read anew');
  }

  /** The files, if they are a pair; a renewal may be caught half-way. */
  #fromFolder(): CertificatePair | undefined {
    const { folder, log } = this.#options;
    if (folder === undefined) return undefined;
    try {
      const [cert, key] = [readFileSync(`${folder}/tls.crt`, 'utf8'), readFileSync(`${folder}/tls.key`, 'utf8')];
      createSecureContext({ cert, key });
      this.#logged = '';
      return { cert, key };
    } catch (error) {
      const fields = errorFields(error);
      const text = JSON.stringify(fields);
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (text !== this.#logged && isMissing) log.info('no certificate for the metrics is mounted', { folder });
      else if (text !== this.#logged)
        log.warn('certificate of the metrics cannot be read, the one before stays', { folder, ...fields });
      this.#logged = text;
      return undefined;
    }
  }
}
