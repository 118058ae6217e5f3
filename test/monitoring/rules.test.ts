// SPDX-License-Identifier: Apache-2.0

// promtool plays the alerts on what was recorded while something went wrong: what fires is what people are to be told,
// and nothing else.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { ensureBinaries } from '../lab/binaries.ts';
import { run } from '../lab/run.ts';
import { FAULTS } from './faults.ts';
import { type RecordedFault, readRecording } from './recordings.ts';
import { alerts, ruleGroups } from './rules.ts';
import { SCRAPE_SECONDS } from './scrape.ts';

const RUNBOOKS = 'docs/runbooks';
/** What was seen last is held for so long, since some alerts wait for an hour. */
const HOLD_SECONDS = 70 * 60;
const EVER = '24h';

/** What no fault of a cluster of three nodes shows: one line of a quiet one, on this node, is another. */
const EDITED: readonly {
  readonly about: string;
  readonly alert: string;
  readonly of: string;
  readonly edit: (line: Line) => Line;
}[] = [
  {
    about: 'a thread answers on one node',
    alert: 'BerthAnsweringImpaired',
    of: 'berth_speaker_answering{.*by="thread"',
    edit: constantly(1),
  },
  {
    about: 'a node has no room for three VIPs',
    alert: 'BerthNoRoomForVips',
    of: 'berth_speaker_vips_without_room{',
    edit: constantly(3),
  },
  {
    about: 'a pod of another version',
    alert: 'BerthVersionSkew',
    of: 'berth_build_info{.*container="speaker"',
    edit: (line) => ({ ...line, series: line.series.replace(/version="[^"]*"/, 'version="0.0.9"') }),
  },
];
const EDITED_NODE = 'node="node-1"';

function constantly(value: number): (line: Line) => Line {
  return ({ series }) => ({ series, values: `${value}x10` });
}

type Line = RecordedFault['series'][number];

describe('the alerts', () => {
  let folder: string;
  let promtool: string;

  before(async function build() {
    this.timeout(900_000);
    promtool = join(await ensureBinaries(), 'promtool');
    folder = mkdtempSync(join(tmpdir(), 'berth-rules-'));
    writeFileSync(join(folder, 'rules.yaml'), stringify({ groups: ruleGroups() }));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [fault, { alerts: expected }] of Object.entries(FAULTS))
    it(`MO-01: ${fault}: ${expected.join(', ') || 'none'} and no other fires`, () =>
      play(readRecording(fault), expected));

  for (const { about, alert, of, edit } of EDITED)
    it(`MO-01: ${about}: ${alert} and no other fires`, () => {
      const quiet = readRecording('quiet');
      const isMeant = ({ series }: Line) => new RegExp(of).test(series) && series.includes(EDITED_NODE);
      expect(quiet.series.filter(isMeant), of).to.have.length(1);
      const series = quiet.series.map((line) => (isMeant(line) ? edit(line) : line));
      return play({ ...quiet, before: 0, series }, [alert]);
    });

  it('MO-02: every alert fires in one of these', () => {
    const recorded = Object.values(FAULTS).flatMap((fault) => fault.alerts);
    const fired = new Set([...recorded, ...EDITED.map(({ alert }) => alert)]);
    expect(alerts().map(({ alert }) => alert)).to.have.members([...fired]);
  });

  it('MO-03: every alert has a runbook of its name, and every runbook of an alert has one', () => {
    const pages = readdirSync(RUNBOOKS).filter((file) => file.startsWith('Berth'));
    expect(pages.map((file) => basename(file, '.md'))).to.have.members(alerts().map(({ alert }) => alert));
    for (const { alert, annotations } of alerts()) {
      expect(annotations.runbook).to.equal(`${RUNBOOKS}/${alert}.md`);
      expect(existsSync(annotations.runbook), annotations.runbook).to.equal(true);
      const page = readFileSync(annotations.runbook, 'utf8');
      for (const title of ['# ', '## What it means', '## What to look at', '## What to do'])
        expect(page, `${alert}: ${title}`).to.match(new RegExp(`^${title}`, 'm'));
    }
  });

  async function play({ before, scrapes, series }: RecordedFault, expected: readonly string[]): Promise<void> {
    const hold = HOLD_SECONDS / SCRAPE_SECONDS;
    const test = {
      rule_files: ['rules.yaml'],
      evaluation_interval: '15s',
      tests: [
        {
          interval: `${SCRAPE_SECONDS}s`,
          input_series: series.map((line) => ({ series: line.series, values: held(line.values, hold) })),
          promql_expr_test: [
            ...(before > 0 ? [firing((before - 1) * SCRAPE_SECONDS, [])] : []),
            firing(scrapes * SCRAPE_SECONDS + HOLD_SECONDS, expected),
          ],
        },
      ],
    };
    const file = join(folder, 'test.yaml');
    writeFileSync(file, stringify(test));
    await run([promtool, 'test', 'rules', file]);
  }
});

/** The alerts that fired at any time until then. */
function firing(atSeconds: number, expected: readonly string[]): object {
  return {
    expr: `group by (alertname) (last_over_time(ALERTS{alertstate="firing"}[${EVER}]))`,
    eval_time: `${atSeconds}s`,
    exp_samples: expected.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
  };
}

/** The series with its last value for some more scrapes; one that has ended stays so. */
function held(values: string, scrapes: number): string {
  const last = values.split(' ').at(-1)?.split('x')[0] ?? '';
  return last === '_' || last === 'stale' ? values : `${values} ${last}x${scrapes}`;
}
