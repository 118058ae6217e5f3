// SPDX-License-Identifier: Apache-2.0

// How the demo talks: numbered steps with their duration, what was seen below each, and a line that moves while one
// waits.

export interface StageOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const REDRAW_INTERVAL_MS = 500;

export class Stage {
  readonly #output: StageOutput;
  readonly #now: () => number;
  #steps = 0;

  constructor(output: StageOutput, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#now = now;
  }

  /** Runs a step, shows that it is under way and then how long it took. What it throws ends the demo. */
  async step<T>(title: string, work: () => Promise<T>): Promise<T> {
    this.#steps += 1;
    const head = `${String(this.#steps).padStart(2)}  ${title}`;
    const startMs = this.#now();
    const redraw = this.#showWaiting(head, startMs);
    try {
      const result = await work();
      this.#endLine(redraw, `${head}  ${this.#since(startMs)}`);
      return result;
    } catch (error) {
      this.#endLine(redraw, `${head}  FAILED after ${this.#since(startMs)}`);
      throw error;
    }
  }

  /** Shows what was seen, indented below the step. */
  show(text: string): void {
    for (const line of text.trimEnd().split('\n')) this.#output.write(`      ${line}\n`);
  }

  #since(startMs: number): string {
    return `${((this.#now() - startMs) / 1000).toFixed(1)} s`;
  }

  #showWaiting(head: string, startMs: number): NodeJS.Timeout | undefined {
    if (this.#output.isTTY !== true) return undefined;
    const draw = () => this.#output.write(`\r\u001b[2K${head}  ... ${this.#since(startMs)}`);
    draw();
    return setInterval(draw, REDRAW_INTERVAL_MS);
  }

  #endLine(redraw: NodeJS.Timeout | undefined, line: string): void {
    clearInterval(redraw);
    this.#output.write(redraw === undefined ? `${line}\n` : `\r\u001b[2K${line}\n`);
  }
}
