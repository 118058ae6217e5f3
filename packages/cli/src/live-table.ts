// SPDX-License-Identifier: Apache-2.0
/** A table that goes on: later rows stand in the columns of the first ones. */
import type { Environment } from './environment.ts';
import { type Fit, fitOf, fitRow } from './fit-rows.ts';
import type { Output } from './operation.ts';
import { columnsFor, printTable } from './output.ts';
import { printable } from './printable.ts';
import type { Tone } from './tone.ts';

/** A row and how it looks on a terminal. */
export interface LiveRow {
  readonly cells: readonly string[];
  readonly tone?: Tone | undefined;
}

export class LiveTable {
  readonly #environment: Pick<Environment, 'out' | 'terminal'>;
  readonly #output: Output;
  #fit: Fit = { widths: [], names: [], isLimited: false, isBroken: false };

  constructor(environment: Pick<Environment, 'out' | 'terminal'>, output: Output) {
    this.#environment = environment;
    this.#output = output;
  }

  /** Prints the head and the rows that there are. */
  begin(head: readonly string[], rows: readonly LiveRow[]): void {
    const cells = [head, ...rows.map((row) => row.cells)];
    const columns = columnsFor(this.#environment, this.#output);
    this.#fit = fitOf(
      cells.map((row) => row.map(printable)),
      columns,
    );
    printTable(this.#environment, cells, { output: this.#output, toneOf: (row) => rows[row]?.tone });
  }

  /** Prints further rows. */
  add(rows: readonly LiveRow[]): void {
    for (const { cells, tone } of rows)
      for (const line of fitRow(cells.map(printable), this.#fit)) {
        const padded = line.map((cell, column) => cell.padEnd(this.#fit.widths[column] ?? 0)).join('  ');
        this.#environment.out(`${padded.trimEnd()}\n`, tone);
      }
  }
}
