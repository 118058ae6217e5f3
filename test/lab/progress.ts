// SPDX-License-Identifier: Apache-2.0

// Progress of work that takes minutes: which step, how far, how long still.
// The estimate is pure; the reporter redraws one line on a terminal and prints
// plain lines elsewhere, so that a log stays readable.

export interface Step {
  readonly name: string;
  /** How long the step took on the machine where it was measured (2 cores). */
  readonly expectedMs: number;
}

export interface StepProgress {
  readonly elapsedMs: number;
  /** Part of the step that is done, 0 to 1. */
  readonly fraction: number;
  readonly expectedMs: number;
}

/** Where the reporter's lines go, and whether they may be redrawn. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR_WIDTH = 24;
const PLAIN_INTERVAL_MS = 30_000;
const REDRAW_INTERVAL_MS = 200;

/**
 * Milliseconds that a step has still to go. Starts from the expected time and
 * trusts what it sees more, the further the step is.
 */
export function estimateLeftMs({ elapsedMs, fraction, expectedMs }: StepProgress): number {
  const done = Math.min(Math.max(fraction, 0), 1);
  if (done === 0) return Math.max(expectedMs - elapsedMs, 0);
  const observedTotal = elapsedMs / done;
  const total = done * observedTotal + (1 - done) * expectedMs;
  return (1 - done) * total;
}

/** `4 min 10 s`, `35 s`, `under 5 s`: no finer than anyone can use. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 5) return 'under 5 s';
  if (seconds < 60) return `${seconds} s`;
  const rounded = Math.round(seconds / 10) * 10;
  const rest = rounded % 60;
  return rest === 0 ? `${Math.floor(rounded / 60)} min` : `${Math.floor(rounded / 60)} min ${rest} s`;
}

/** One line: the bar over all steps, the step by number and name, the time left. */
export function formatProgress(steps: readonly Step[], current: number, progress: StepProgress): string {
  const step = steps[current];
  const weightOf = (some: readonly Step[]) => some.reduce((sum, { expectedMs }) => sum + expectedMs, 0);
  const before = weightOf(steps.slice(0, current));
  const after = weightOf(steps.slice(current + 1));
  const all = before + after + progress.expectedMs;
  const fraction = all === 0 ? 0 : (before + progress.fraction * progress.expectedMs) / all;
  const filled = Math.round(fraction * BAR_WIDTH);
  const bar = `${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}`;
  const left = formatDuration(estimateLeftMs(progress) + after);
  return `[${bar}] ${Math.floor(fraction * 100)} %  ${current + 1}/${steps.length} ${step?.name ?? ''}, ${left} left`;
}

/** Shows the progress of a list of steps. Create, then `begin`, `advance` ..., `begin`, ..., `end`. */
export class ProgressReporter {
  readonly #steps: readonly Step[];
  readonly #output: ProgressOutput;
  readonly #now: () => number;
  #current = -1;
  #startedMs = 0;
  #fraction = 0;
  #lastShownMs = Number.NEGATIVE_INFINITY;

  constructor(steps: readonly Step[], output: ProgressOutput, now: () => number = () => performance.now()) {
    this.#steps = steps;
    this.#output = output;
    this.#now = now;
  }

  /** Starts the next step. */
  begin(): void {
    this.#current += 1;
    this.#startedMs = this.#now();
    this.#fraction = 0;
    this.#show('now');
  }

  /** Reports how far the step is. A call that tells nothing new still moves the time left. */
  advance(fraction: number): void {
    this.#fraction = Math.max(this.#fraction, fraction);
    this.#show('when due');
  }

  /** Ends the line; what follows on the terminal starts on its own. */
  end(): void {
    if (this.#output.isTTY) this.#output.write('\r\u001b[2K');
  }

  #show(when: 'now' | 'when due'): void {
    const nowMs = this.#now();
    const interval = this.#output.isTTY ? REDRAW_INTERVAL_MS : PLAIN_INTERVAL_MS;
    if (when === 'when due' && nowMs - this.#lastShownMs < interval) return;
    this.#lastShownMs = nowMs;
    const elapsedMs = nowMs - this.#startedMs;
    const expectedMs = this.#steps[this.#current]?.expectedMs ?? 0;
    const line = formatProgress(this.#steps, this.#current, { elapsedMs, fraction: this.#fraction, expectedMs });
    if (this.#output.isTTY) this.#output.write(`\r\u001b[2K${line.slice(0, (this.#output.columns ?? 80) - 1)}`);
    else this.#output.write(`${line}\n`);
  }
}
