// SPDX-License-Identifier: Apache-2.0
/** Fakes for the tests of this package. */
import { FILTER_OP } from './filter-program.ts';
import { HOST_IS_LITTLE_ENDIAN } from './linux.ts';

/** Time that the test moves, and what is planned in it. */
export class FakeClock {
  #nowMs = 0;
  readonly #timers = new Set<{ atMs: number; callback: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void) {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  advance(toMs: number): void {
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.atMs <= toMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#nowMs = due.atMs;
      due.callback();
    }
    this.#nowMs = toMs;
  }
}

/** Runs a packet filter on a frame as bpf(4) says, as far as this package uses it; returns what it returns. */
export function runFilter(program: Uint8Array, frame: Uint8Array): number {
  const code = new DataView(program.buffer);
  const view = new DataView(frame.buffer);
  let accumulator = 0;
  for (let at = 0; ; at += 8) {
    const constant = code.getUint32(at + 4, HOST_IS_LITTLE_ENDIAN);
    const jump = (isTrue: boolean) => 8 * code.getUint8(at + (isTrue ? 2 : 3));
    switch (code.getUint16(at, HOST_IS_LITTLE_ENDIAN)) {
      case FILTER_OP.LOAD_WORD:
        accumulator = view.getUint32(constant);
        break;
      case FILTER_OP.LOAD_HALF:
        accumulator = view.getUint16(constant);
        break;
      case FILTER_OP.JUMP:
        at += 8 * constant;
        break;
      case FILTER_OP.IF_EQUAL:
        at += jump(accumulator === constant);
        break;
      case FILTER_OP.IF_ABOVE:
        at += jump(accumulator > constant);
        break;
      case FILTER_OP.IF_AT_LEAST:
        at += jump(accumulator >= constant);
        break;
      default:
        return constant;
    }
  }
}
