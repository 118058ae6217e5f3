// SPDX-License-Identifier: Apache-2.0

// What a client asked on the wire and who answered: the record of a WireWatch, and what can be read from it. Pure.

/** One ARP request for a VIP. Times in milliseconds of CLOCK_MONOTONIC, which all processes of a machine share. */
export interface Question {
  readonly vip: string;
  readonly askedMs: number;
  readonly answers: readonly Answer[];
}

export interface Answer {
  readonly mac: string;
  readonly atMs: number;
}

/** A gratuitous ARP frame, of either form. */
export interface Announcement extends Answer {
  readonly vip: string;
}

export interface WireRecord {
  /** In the order in which they were asked. */
  readonly questions: readonly Question[];
  readonly announcements: readonly Announcement[];
}

/** A span of time, both ends included. */
export interface Span {
  readonly fromMs?: number;
  readonly untilMs?: number;
}

/** Returns the questions of a span, all or those for one VIP. */
export function questionsIn(record: WireRecord, { fromMs = 0, untilMs = Infinity }: Span, vip?: string): Question[] {
  return record.questions.filter(
    (one) => one.askedMs >= fromMs && one.askedMs <= untilMs && (vip === undefined || one.vip === vip),
  );
}

/** Returns the MAC addresses that answered any of the questions, each once, in the order of their first answer. */
export function answerers(questions: readonly Question[]): string[] {
  return [...new Set(questions.flatMap(({ answers }) => answers.map(({ mac }) => mac)))];
}

/**
 * Returns the longest time from an answered question to the next answered one, in milliseconds; questions of one VIP.
 * Where the last ones have no answer, the time to the very last counts.
 */
export function longestSilence(questions: readonly Question[]): number {
  const answered = questions.filter(({ answers }) => answers.length > 0).map(({ askedMs }) => askedMs);
  const first = answered[0] ?? questions[0]?.askedMs ?? 0;
  const ends = [...answered, questions.at(-1)?.askedMs ?? first];
  return Math.max(0, ...ends.map((end, index) => end - (ends[index - 1] ?? first)));
}

/** Returns the questions that more than one node answered. */
export function answeredTwice(questions: readonly Question[]): Question[] {
  return questions.filter((question) => answerers([question]).length > 1);
}

/** Returns when each VIP was first answered by another MAC than `oldMac`, as the time of the answer. */
export function takenOverMs(record: WireRecord, span: Span, oldMac: string): Map<string, number> {
  const taken = new Map<string, number>();
  for (const { vip, answers } of questionsIn(record, span)) {
    const answer = answers.find(({ mac }) => mac !== oldMac);
    if (answer && !taken.has(vip)) taken.set(vip, answer.atMs);
  }
  return taken;
}

/** Returns who answered the newest question of each VIP that has an answer. */
export function newestAnswerers(record: WireRecord): Map<string, string[]> {
  const newest = new Map<string, string[]>();
  for (const question of record.questions)
    if (question.answers.length > 0) newest.set(question.vip, answerers([question]));
  return newest;
}
