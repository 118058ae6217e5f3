// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps what the speaker knows in a file, and reads it at a start at which the API server does not answer. Written on
 * change, under another name first and then renamed, so that a crash or a power cut leaves the old file or the new one.
 */
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, errorFields, type Log, type Timer } from '@berth/runtime';
import { decodeState, encodeState, type SavedState, type StateOwner } from './saved-state.ts';

export const STATE_FILE = 'state.json';
/** News of one moment are written together, after this time in milliseconds. */
const GATHER_MS = 1_000;
/** After writing the next change waits this many times as long as it took: a fiftieth of a core at most. */
const REST_FACTOR = 49;
/** Without a change it is written again after this time, so that its age is the time for which no speaker ran here. */
const RENEW_MS = 3_600_000;
/** A file that no speaker has written for so long says nothing about today's addresses, in milliseconds: a week. */
export const MAX_AGE_MS = 7 * 24 * 3_600_000;

export interface StateFileOptions {
  readonly folder: string;
  readonly owner: StateOwner;
  readonly clock: Clock;
  readonly log: Log;
  /** What is known now; undefined while not everything was read from the API server or from the file. */
  state(): SavedState | undefined;
}

export class StateFile {
  readonly name = 'state file';
  readonly #options: StateFileOptions;
  #timer: Timer | undefined;
  #isDue = false;
  #isStopped = false;
  #writing: Promise<void> = Promise.resolve();
  #restsUntilMs = 0;
  /** The header of what is on disk, which has its checksum, so that news that change nothing there are not written. */
  #written = '';

  constructor(options: StateFileOptions) {
    this.#options = options;
  }

  /** What the last speaker here knew, or undefined, which is logged with its reason. Never rejects. */
  async read(): Promise<SavedState | undefined> {
    const { folder, owner, clock, log } = this.#options;
    const file = join(folder, STATE_FILE);
    try {
      const { mtimeMs } = await stat(file);
      const ageMs = clock.date().getTime() - mtimeMs;
      if (ageMs > MAX_AGE_MS) {
        log.warn('saved state refused', { file, problem: 'too-old', hours: Math.floor(ageMs / 3_600_000) });
        return undefined;
      }
      const decoded = decodeState(await readFile(file, 'utf8'), owner);
      if (decoded.ok) return decoded.state;
      log.warn('saved state refused', { file, problem: decoded.problem, detail: decoded.detail });
    } catch (error) {
      // So it is at the first start of a pod.
      log.info('no saved state', { file, ...errorFields(error) });
    }
    return undefined;
  }

  /** Begins to write. */
  start(): void {
    this.changed();
  }

  /** Something changed that may be in the file. */
  changed(): void {
    const { clock } = this.#options;
    if (this.#isDue || this.#isStopped) return;
    this.#isDue = true;
    this.#timer?.cancel();
    this.#timer = clock.after(Math.max(GATHER_MS, this.#restsUntilMs - clock.now()), () => {
      this.#isDue = false;
      this.#writing = this.#writing.then(() => this.#write());
    });
  }

  /** Resolves when nothing is being written any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { folder, owner, clock, log, state } = this.#options;
    const startMs = clock.now();
    try {
      const now = state();
      const text = now && encodeState(now, owner);
      const header = text?.slice(0, text.indexOf('\n'));
      if (text !== undefined && header !== undefined && header !== this.#written) {
        await replaceFile(folder, text);
        this.#written = header;
      }
    } catch (error) {
      // The next change tries again. Without a file a start waits for the API server, as ever.
      log.warn('state not saved', { folder, ...errorFields(error) });
    }
    this.#restsUntilMs = clock.now() + REST_FACTOR * (clock.now() - startMs);
    if (!this.#isDue && !this.#isStopped) this.#timer = clock.after(RENEW_MS, () => this.#renew());
  }

  #renew(): void {
    this.#written = '';
    this.changed();
  }
}

// Synced before it gets its name: after a power cut a name without its bytes would be worth nothing.
async function replaceFile(folder: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const fresh = join(folder, `${STATE_FILE}.new`);
  const file = await open(fresh, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, join(folder, STATE_FILE));
}
