// SPDX-License-Identifier: Apache-2.0
/** Addresses as text: a table, JSON or YAML; all at once, or one after the other in the columns of the first table. */
import { type ClaimRow, timeText, type VipRow, yamlText } from '@berth/core';
import type { Environment } from './environment.ts';
import { type LiveRow, LiveTable } from './live-table.ts';
import type { Output } from './operation.ts';
import { printValue } from './output.ts';

const HEAD = ['VIP', 'SERVICE', 'NODE', 'INTERFACE', 'SINCE', 'WHY', 'REACHABLE'];
const WIDE_HEAD = ['POOL', 'SERVED BY', 'REMARK'];

export class VipText {
  readonly #environment: Environment;
  readonly #output: Output;
  readonly #table: LiveTable;

  constructor(environment: Environment, output: Output) {
    this.#environment = environment;
    this.#output = output;
    this.#table = new LiveTable(environment, output);
  }

  /** Prints all rows, with a head. */
  all(rows: readonly VipRow[]): void {
    if (printValue(this.#environment, this.#output, rows.map(dated))) return;
    const head = this.#output === 'wide' ? [...HEAD, ...WIDE_HEAD] : HEAD;
    this.#table.begin(
      head,
      rows.flatMap((row) => this.#lines(row)),
    );
  }

  /** Prints one row that is another by now: a line in the same columns, or a document of its own. */
  next(row: VipRow): void {
    if (this.#output === 'json') this.#environment.out(`${JSON.stringify(dated(row))}\n`);
    else if (this.#output === 'yaml') this.#environment.out(`---\n${yamlText(dated(row))}`);
    else this.#table.add(this.#lines(row));
  }

  /** A line for each owner: a VIP on two segments has one on each. */
  #lines(row: VipRow): LiveRow[] {
    const { vip, services, claims, reachable, pool, servedBy, silent, reachableText } = row;
    const head = [vip, services.join(' ') || '-'];
    const wide = [pool ?? '-', servedBy === 'any' ? 'any node' : servedBy.join(' ') || 'none'];
    const rest = (remark: string) => (this.#output === 'wide' ? [...wide, remark] : []);
    const tone = silent !== undefined || reachable === 'no' ? 'bad' : undefined;
    const owner = services.length === 0 ? '-' : 'no one';
    if (claims.length === 0)
      return [{ cells: [...head, owner, '-', '-', '-', reachable, ...rest(silent ?? '')], tone }];
    return claims.map((claim, index) => ({
      cells: [
        ...(index === 0 ? head : ['', '']),
        ...[claim.node, claim.interface, timeText(claim.sinceMs), causeOf(claim), reachable],
        ...rest([claim.whyText, reachableText].filter((text) => text !== '').join('; ')),
      ],
      tone,
    }));
  }
}

/** One word: why the owner before lost it, or why this one has it. */
function causeOf({ why, moved }: ClaimRow): string {
  return moved?.cause ?? why;
}

function dated({ claims, ...row }: VipRow) {
  return { ...row, claims: claims.map(({ sinceMs, ...claim }) => ({ ...claim, since: timeText(sinceMs) })) };
}
