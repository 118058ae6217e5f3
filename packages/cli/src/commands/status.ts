// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth status`: what each node says of itself, and everything that is not as it should be. */
import {
  breakText,
  type ClusterFacts,
  clusterReport,
  type DatedReport,
  durationText,
  notAnsweredRemarks,
  type Problem,
  problemOf,
  readCluster,
  vipsOf,
  yamlText,
} from '@berth/core';
import { readSettledFacts } from '../cluster-facts.ts';
import { type Environment, EXIT } from '../environment.ts';
import { type Absence, lookForBerth } from '../installed.ts';
import { LiveTable } from '../live-table.ts';
import type { Operation, Output } from '../operation.ts';
import { countOf, printValue } from '../output.ts';
import { isWrong, SEVERITY_TONES, SEVERITY_WORDS } from '../severity.ts';
import { watchRows } from '../watching.ts';

const HEAD = ['NODE', 'INTERFACE', 'PHASE', 'HEARS', 'VIPS', 'ENGINE', 'HEARTBEATS', 'LATEST', 'SEEN'];
/** With `-w`: a node that falls silent writes nothing. */
const LOOK_EVERY_MS = 5_000;

type Status = Extract<Operation, { kind: 'status' }>;

/** What is shown: a node, something that is not as it should be, or VIPs that a node does not answer for. */
type StatusRow =
  | { readonly kind: 'node'; readonly report: DatedReport }
  | { readonly kind: 'problem'; readonly problem: Problem }
  | { readonly kind: 'remark'; readonly text: string };

/**
 * Ends with 1 where something is wrong, which problems of severity `info` are not, and with 3 where no speaker is
 * there.
 */
export async function status(operation: Status, environment: Environment): Promise<number> {
  const { cluster, output, isWatching } = operation;
  if (isWatching) return watch(operation, environment);
  const { api } = await environment.connect(cluster);
  const facts = await readSettledFacts(api, cluster, environment.clock);
  const absence = await lookForBerth(facts.reports, api, cluster);
  const rows = absence === undefined ? rowsOf(facts) : [absentRow(absence)];
  const view = new StatusText(environment, output, () => facts.objects.nowMs);
  view.all(rows, output === 'wide' ? [...spreadRemarks(facts.reports), ...moveRemarks(facts.reports)] : []);
  if (absence === undefined && (output === 'text' || output === 'wide')) environment.err(verdictOn(rows, output));
  return exitCodeOf(rows);
}

/** What nodes do for VIPs that every node serves; nothing where there is none. */
function spreadRemarks(reports: readonly DatedReport[]): string[] {
  return reports.flatMap(({ node, health, freshness }) => {
    if (health?.spread === undefined || freshness === 'stale') return [];
    const { forwarded, strays, flows } = health.spread;
    const passed = `passed ${countOf(forwarded, 'packet')} on to the nodes that serve them since it started`;
    const has = flows === undefined ? 'keeps' : `has ${countOf(flows, 'flow')}, and keeps`;
    return [`${node}: ${passed}; ${has} ${countOf(strays, 'flow')} that the hash gives to others`];
  });
}

/** Nodes whose planned moves break connections although no one asked for that. */
function moveRemarks(reports: readonly DatedReport[]): string[] {
  return reports.flatMap(({ node, state, freshness }) => {
    const { moves } = state ?? {};
    if (moves === undefined || moves === 'kept' || moves.why === 'option' || freshness === 'stale') return [];
    return [`${node}: planned moves break connections: ${breakText(node, moves)}`];
  });
}

/** All else that is wrong follows from it. */
function absentRow({ text, command }: Absence): StatusRow {
  return { kind: 'problem', problem: problemOf({ kind: 'no-speaker', about: [], text, command }) };
}

function verdictOn(rows: readonly StatusRow[], output: Output): string {
  const wrong = rows.filter((row) => row.kind === 'problem' && isWrong(row.problem)).length;
  if (wrong === 0) return 'nothing is wrong\n';
  return `${countOf(wrong, 'problem')} to be dealt with${output === 'wide' ? '' : '; -o wide says how'}\n`;
}

function watch({ cluster, output }: Status, environment: Environment): Promise<number> {
  const view = new StatusText(environment, output, () => environment.clock.date().getTime());
  return watchRows<StatusRow>(
    {
      rowsOf: (objects) => rowsOf(readCluster(objects)),
      ...{ keyOf, factsOf, lookEveryMs: LOOK_EVERY_MS },
      begin: (rows) => view.all(rows),
      next: (row) => view.next(row),
      gone: (row) => view.gone(row),
    },
    cluster,
    environment,
  );
}

function rowsOf(facts: ClusterFacts): StatusRow[] {
  return [
    ...facts.reports.map((report): StatusRow => ({ kind: 'node', report })),
    ...clusterReport(facts).problems.map((problem): StatusRow => ({ kind: 'problem', problem })),
    ...notAnsweredRemarks(facts.reports).map((text): StatusRow => ({ kind: 'remark', text })),
  ];
}

function exitCodeOf(rows: readonly StatusRow[]): number {
  const problems = rows.flatMap((row) => (row.kind === 'problem' ? [row.problem] : []));
  if (problems.some(({ kind }) => kind === 'no-speaker')) return EXIT.noSpeaker;
  return problems.some(isWrong) ? EXIT.failed : EXIT.ok;
}

function keyOf(row: StatusRow): string {
  if (row.kind === 'node') return `node ${row.report.node}`;
  return row.kind === 'problem' ? `problem ${row.problem.id}` : `remark ${row.text}`;
}

/** Without what is another at each look: when a node wrote last, and how late its heartbeats were. */
function factsOf(row: StatusRow): string {
  if (row.kind !== 'node') return keyOf(row);
  const { renewedMs: _, health, ...rest } = row.report;
  const { testedSeconds: __, ...state } = rest.state ?? {};
  return JSON.stringify({ ...rest, state, lapses: health?.lapses });
}

class StatusText {
  readonly #environment: Environment;
  readonly #output: Output;
  readonly #table: LiveTable;
  readonly #nowMs: () => number;

  constructor(environment: Environment, output: Output, nowMs: () => number) {
    this.#environment = environment;
    this.#output = output;
    this.#table = new LiveTable(environment, output);
    this.#nowMs = nowMs;
  }

  /** `more`: what is worth knowing beside the rows. */
  all(rows: readonly StatusRow[], more: readonly string[] = []): void {
    const nodes = rows.flatMap((row) => (row.kind === 'node' ? [row.report] : []));
    const problems = rows.flatMap((row) => (row.kind === 'problem' ? [row.problem] : []));
    const notAnswered = rows.flatMap((row) => (row.kind === 'remark' ? [row.text] : []));
    if (printValue(this.#environment, this.#output, { nodes, problems, notAnswered })) return;
    const lines = nodes.flatMap((report) => cellsOf(report, this.#nowMs())).map((cells) => ({ cells }));
    if (nodes.length > 0) this.#table.begin(HEAD, lines);
    for (const problem of problems) this.#problem(problem);
    const remarks = [...notAnswered, ...more];
    if (remarks.length > 0) this.#environment.out(`\nWorth knowing:\n${remarks.map((text) => `  ${text}\n`).join('')}`);
  }

  next(row: StatusRow): void {
    if (this.#output === 'json') this.#environment.out(`${JSON.stringify(row)}\n`);
    else if (this.#output === 'yaml') this.#environment.out(`---\n${yamlText(JSON.parse(JSON.stringify(row)))}`);
    else if (row.kind === 'node') this.#table.add(cellsOf(row.report, this.#nowMs()).map((cells) => ({ cells })));
    else if (row.kind === 'problem') this.#problem(row.problem);
    else this.#environment.out(`${row.text}\n`);
  }

  gone(row: StatusRow): void {
    const isValue = this.#output === 'json' || this.#output === 'yaml';
    if (isValue) this.next({ kind: 'remark', text: `over: ${keyOf(row)}` });
    else if (row.kind === 'node') this.#environment.out(`${row.report.node}: its Lease is gone\n`, 'warning');
    else this.#environment.out(`over: ${row.kind === 'problem' ? row.problem.text : row.text}\n`, 'good');
  }

  #problem({ text, severity, command, runbook }: Problem): void {
    this.#environment.out(`${SEVERITY_WORDS[severity]}: ${text}\n`, SEVERITY_TONES[severity]);
    if (this.#output === 'wide') this.#environment.out(`  ${command === undefined ? '' : `${command}; `}${runbook}\n`);
  }
}

/**
 * A row for each interface; what belongs to the node as a whole stands in its first. What a silent node said last is
 * not shown as if it were so now.
 */
function cellsOf(report: DatedReport, nowMs: number): string[][] {
  const { node, state, health, renewedMs, freshness } = report;
  const seen = agoText(nowMs - renewedMs);
  if (state === undefined) return [[node, '-', '-', '-', '-', '-', '-', '-', seen]];
  if (freshness === 'stale') return [[node, '-', 'silent', '-', '-', state.engine, state.transport, '-', seen]];
  const whole = [state.engine, state.transport, health ? `${health.latestMs} ms late` : '-', seen];
  const [first, ...more] = state.segments.map((segment) => [
    ...[segment.interface, segment.phase, String(segment.members.filter(({ hearing }) => hearing !== 'lost').length)],
    String(state.owned.filter((one) => one.interface === segment.interface).length),
  ]);
  return [
    [node, ...(first ?? ['-', '-', '0', String(vipsOf(report).length)]), ...whole],
    ...more.map((row) => ['', ...row, '', '', '', '']),
  ];
}

/** Whole seconds up to two minutes, as the Lease is renewed every ten. */
function agoText(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  return `${ms < 120_000 ? `${Math.round(ms / 1000)} s` : durationText(ms)} ago`;
}
