// SPDX-License-Identifier: Apache-2.0
/**
 * Growing delays for a Service whose status somebody else writes too, whoever and whatever that is: what others changed
 * since Berth wrote last is set right ten seconds after that, then after twenty, and so on. What has stood for longer
 * is set right at once. What people wish otherwise is no such change: it is done at once.
 */
import { hash } from 'node:crypto';
import {
  CONDITION_ADDRESS_ASSIGNED,
  CONDITION_GIVEN,
  OWN_PARTS,
  type OwnPart,
  ownMarksOf,
  partsChangedBy,
  type ServicePatch,
  wishesOf,
} from '@berth/core';
import { compareVersions, keyOf, type Service } from '@berth/kube';
import type { Clock } from '@berth/runtime';
import { newWriters, type OtherWriter, writersOf } from './other-writer.ts';

const FIRST_MS = 10_000;
const LONGEST_MS = 300_000;
/** After so long without a write of ours somebody gave up. */
const CALM_MS = 2 * LONGEST_MS;
/** So much later goes a patch that lets the others go first, in milliseconds. */
const YIELD_MS = 1_000;
/** Other writers of one Service that are remembered. */
const MAX_WRITERS = 8;
/** What others change there is looked at whatever Berth wants to write: other conditions follow from these. */
const LEADING: readonly OwnPart[] = ['ingress', CONDITION_ADDRESS_ASSIGNED, CONDITION_GIVEN];

/** What Berth left behind when it wrote a Service last. */
interface Left {
  /** What it wrote. */
  readonly marks: Marks;
  /** Digest of what people wished then. */
  readonly wishes: string;
  readonly version: string;
  readonly atMs: number;
  /** How often in a row it set right what others had changed. */
  readonly repairs: number;
  /** Writers of the status that were known then. */
  readonly known: readonly string[];
  /** Others that wrote it since then or before, the last one at the end; undefined: none, as of nearly all Services. */
  writers: readonly OtherWriter[] | undefined;
  /** Whether the wishes were other ones at any time since. */
  isWishChanged: boolean;
  /** When its leading parts were seen to be other ones since, in milliseconds; undefined: never. */
  touchedMs: number | undefined;
  /** Whether the write that is looked at sets right what others changed. */
  isRepair: boolean;
  isTold: boolean;
}

export interface Braked {
  /** Milliseconds until it may be written; 0: now. */
  readonly waitMs: number;
  /** Whether this is the first time that what Berth wrote last was found undone. */
  readonly isNews: boolean;
  /** Who is known to write it too. */
  readonly writers: readonly OtherWriter[];
}

const FREE: Braked = { waitMs: 0, isNews: false, writers: [] };

export class WriteBrake {
  readonly #clock: Pick<Clock, 'now'>;
  /** By Service, the one written last at the end. */
  readonly #left = new Map<string, Left>();
  /** Services with a write under way, and how many. */
  readonly #sending = new Map<string, number>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /**
   * Whether the patch, which was made for this state of the Service, may be written now. One that `yields` lets the
   * patch go first that sets right what others changed.
   */
  look(service: Service, patch: ServicePatch, { yields = false }: { readonly yields?: boolean } = {}): Braked {
    const left = this.#left.get(idOf(service));
    if (left === undefined) return FREE;
    const isContested = isUndone(service, patch, left);
    left.isRepair = this.#isToObey(service, left) && (isContested || left.touchedMs !== undefined);
    if (!left.isRepair) return FREE;
    const isNews = isContested && !left.isTold;
    left.isTold ||= isContested;
    const repairMs = left.atMs + Math.min(LONGEST_MS, FIRST_MS * 2 ** left.repairs);
    const { touchedMs } = left;
    const dueMs = yields && touchedMs !== undefined ? Math.max(repairMs, touchedMs) + YIELD_MS : repairMs;
    const waitMs = Math.max(0, Math.ceil(dueMs - this.#clock.now()));
    return { waitMs, isNews, writers: left.writers ?? [] };
  }

  /**
   * A patch of the Service is sent now; the function is to be called when it has ended, with what the Service is then
   * if it was written.
   */
  sending(service: Service): (patched?: Service) => void {
    const id = idOf(service);
    this.#sending.set(id, (this.#sending.get(id) ?? 0) + 1);
    return (patched) => {
      const others = (this.#sending.get(id) ?? 1) - 1;
      if (others === 0) this.#sending.delete(id);
      else this.#sending.set(id, others);
      if (patched) this.#written(service, patched);
    };
  }

  /** Takes note of a state that a Service had, be it for a moment. */
  seen(service: Service): void {
    const left = this.#left.get(idOf(service));
    if (left === undefined || isOlder(service, left)) return;
    if (digest(wishesOf(service)) !== left.wishes) left.isWishChanged = true;
    for (const writer of newWriters(service, left.known)) {
      const others = (left.writers ?? []).filter(({ manager }) => manager !== writer.manager);
      left.writers = [...others, writer].slice(-MAX_WRITERS);
    }
    // A patch of ours that is under way comes with the watch before its answer.
    if (this.#sending.has(idOf(service))) return;
    const present = Marks.of(service);
    const isTouched = LEADING.some((part) => present.of(part) !== left.marks.of(part));
    if (isTouched) left.touchedMs ??= this.#clock.now();
  }

  #isToObey(service: Service, left: Left): boolean {
    if (this.#clock.now() - left.atMs > CALM_MS || isOlder(service, left) || left.isWishChanged) return false;
    return digest(wishesOf(service)) === left.wishes;
  }

  #written(before: Service, patched: Service): void {
    const id = idOf(patched);
    const [nowMs, last] = [this.#clock.now(), this.#left.get(id)];
    const isRecent = last !== undefined && nowMs - last.atMs <= CALM_MS;
    // What the patch did not touch may be somebody else's, and is still to be set right; unless it followed from a
    // wish.
    const written = Marks.of(patched);
    const marks = isRecent && last.isRepair ? written.over(last.marks, Marks.of(before)) : written;
    this.#left.delete(id);
    this.#left.set(id, {
      marks,
      wishes: digest(wishesOf(patched)),
      version: patched.metadata.resourceVersion ?? '',
      atMs: nowMs,
      repairs: isRecent ? last.repairs + (last.isRepair ? 1 : 0) : 0,
      known: writersOf(patched),
      writers: isRecent ? last.writers : undefined,
      ...{ isWishChanged: false, touchedMs: undefined, isRepair: false, isTold: false },
    });
    this.#forgetOld(nowMs);
  }

  #forgetOld(nowMs: number): void {
    for (const [oldest, { atMs }] of this.#left) {
      if (nowMs - atMs <= CALM_MS) return;
      this.#left.delete(oldest);
    }
  }
}

/** Whether the patch changes a part that is not as it was left. */
function isUndone(service: Service, patch: ServicePatch, { marks }: Left): boolean {
  const present = Marks.of(service);
  return [...partsChangedBy(service, patch)].some((part) => present.of(part) !== marks.of(part));
}

function isOlder({ metadata }: Service, { version }: Left): boolean {
  return compareVersions(metadata.resourceVersion, version) < 0;
}

/** Characters of a digest. */
const DIGEST_LENGTH = 12;

/** Digests of all parts in one text: the parts themselves would be megabytes with ten thousand Services. */
class Marks {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  static of(service: Service): Marks {
    const marks = ownMarksOf(service);
    return new Marks(OWN_PARTS.map((part) => digest(marks.get(part) ?? '')).join(''));
  }

  of(part: OwnPart): string {
    const at = OWN_PARTS.indexOf(part) * DIGEST_LENGTH;
    return this.#text.slice(at, at + DIGEST_LENGTH);
  }

  /** These where they differ from `before`, else `older`. */
  over(older: Marks, before: Marks): Marks {
    return new Marks(
      OWN_PARTS.map((part) => (this.of(part) === before.of(part) ? older.of(part) : this.of(part))).join(''),
    );
  }
}

function digest(text: string): string {
  return hash('sha1', text, 'base64').slice(0, DIGEST_LENGTH);
}

/** One that was deleted and made again is another Service. */
function idOf(service: Service): string {
  return service.metadata.uid ?? keyOf(service);
}
