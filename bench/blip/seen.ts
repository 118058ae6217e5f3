// SPDX-License-Identifier: Apache-2.0

// What a client saw of a blip, counted. Pure.

import type { Kept } from '../../test/support/keep-alive.ts';
import {
  answeredTwice,
  answerers,
  longestSilence,
  type Question,
  questionsIn,
  type WireRecord,
} from '../../test/support/wire-record.ts';

/** All that was written down of one blip. Times in milliseconds of CLOCK_MONOTONIC. */
export interface Played {
  readonly record: WireRecord;
  readonly kept: readonly Kept[];
  /** The owner of each VIP before. */
  readonly owners: ReadonlyMap<string, string>;
  /** When the fault was undone, each time. */
  readonly healedMs: readonly number[];
}

export interface Seen {
  /** VIPs of uncut nodes that another node answered for alone at any time. */
  readonly movedUncut: number;
  /** Most changes of owner of one VIP of the cut node. */
  readonly movesOfCut: number;
  /** Connections through uncut nodes that broke. */
  readonly brokenUncut: number;
  readonly brokenCut: number;
  /** Longest time without an answer, of VIPs of the cut node and of the others. */
  readonly silentCutMs: number;
  readonly silentUncutMs: number;
  /** Questions that more than one node answered: within two heartbeats of healing, and at any other time. */
  readonly twiceAtHealing: number;
  readonly twiceElse: number;
  /** From healing to the last answer of a node that does not answer in the end. */
  readonly oneOwnerMs: number;
}

export interface Places {
  readonly cutNode: string;
  macOf(node: string): string;
}

/** Two heartbeats of the default interval, and one question, in milliseconds. */
export const ONE_OWNER_MS = 50 + 20;
/** Of the end of a record: these have the answers of who stays. */
const SETTLED_QUESTIONS = 20;

export function seenIn({ record, kept, owners, healedMs }: Played, { cutNode, macOf }: Places): Seen {
  const rows = [...owners].map(([vip, owner]) => ({ vip, owner, questions: questionsIn(record, {}, vip) }));
  const isCut = ({ owner }: { readonly owner: string }) => owner === cutNode;
  const cut = rows.filter(isCut);
  const uncut = rows.filter((row) => !isCut(row));
  const isMoved = ({ owner, questions }: (typeof rows)[number]) =>
    singleAnswerers(questions).some((mac) => mac !== macOf(owner));
  const twice = answeredTwice(record.questions);
  const isAtHealing = ({ askedMs }: Question) =>
    healedMs.some((atMs) => askedMs >= atMs && askedMs < atMs + ONE_OWNER_MS);
  const lastMs = healedMs.at(-1) ?? 0;
  const broken = kept.filter((one) => one.broken !== undefined);
  const brokenCut = broken.filter(({ address }) => owners.get(address) === cutNode).length;
  return {
    movedUncut: uncut.filter(isMoved).length,
    movesOfCut: most(cut.map(({ questions }) => movesIn(questions))),
    brokenUncut: broken.length - brokenCut,
    brokenCut,
    silentCutMs: most(cut.map(({ questions }) => longestSilence(questions))),
    silentUncutMs: most(uncut.map(({ questions }) => longestSilence(questions))),
    twiceAtHealing: twice.filter(isAtHealing).length,
    twiceElse: twice.filter((one) => !isAtHealing(one)).length,
    oneOwnerMs: most(rows.map(({ vip }) => oneOwnerMs(questionsIn(record, { fromMs: lastMs }, vip), lastMs))),
  };
}

/**
 * What is known of each connection through an uncut node that broke: how, and who else answered for its VIP, by the
 * last healing.
 */
export function brokenIn({ record, kept, owners, healedMs }: Played, { cutNode, macOf }: Places): string[] {
  const lastMs = healedMs.at(-1) ?? 0;
  return kept.flatMap(({ address, broken, longestStallMs }) => {
    const owner = owners.get(address);
    if (broken === undefined || owner === undefined || owner === cutNode) return [];
    const answers = questionsIn(record, {}, address).flatMap((one) => one.answers);
    const others = answers
      .filter(({ mac }) => mac !== macOf(owner))
      .map(({ mac, atMs }) => ({ mac, afterMs: atMs - lastMs }));
    const [first, last] = [others.at(0), others.at(-1)];
    const by =
      first && last && `${first.mac}, ${first.afterMs.toFixed(0)} to ${last.afterMs.toFixed(0)} ms after healing`;
    const stall = `${longestStallMs.toFixed(0)} ms without an answer at most`;
    return [`${address} of ${owner}: ${broken}, ${stall}; answered besides by ${by ?? 'no one'}`];
  });
}

/** How often the answer came from another node than the one before; a question with two answers counts as none. */
export function movesIn(questions: readonly Question[]): number {
  const single = singleAnswerers(questions);
  return single.filter((mac, index) => index > 0 && mac !== single[index - 1]).length;
}

/** Who answered, question by question; those with two answers or none are left out. */
function singleAnswerers(questions: readonly Question[]): string[] {
  return questions.flatMap((one) => {
    const macs = answerers([one]);
    return macs.length === 1 ? macs : [];
  });
}

function oneOwnerMs(after: readonly Question[], healedMs: number): number {
  const stays = answerers(after.slice(-SETTLED_QUESTIONS));
  const losing = after.flatMap(({ answers }) => answers.filter(({ mac }) => mac !== stays.at(-1)));
  return most(losing.map(({ atMs }) => atMs - healedMs));
}

function most(numbers: readonly number[]): number {
  return Math.max(0, ...numbers);
}
