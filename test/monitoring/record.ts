// SPDX-License-Identifier: Apache-2.0

// `node test/monitoring/record.ts [FAULT...]`: stages faults on a lab of its own, records what Prometheus would have
// stored, and writes recordings/. To be run when alerts or metrics change.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { installBerth } from '../lab/berth.ts';
import { Lab } from '../lab/lab.ts';
import { LanFaults } from '../support/lan-faults.ts';
import { applyObjects, deployWeb, poolsConfigMap, waitForExternalIp, webService } from '../support/workload.ts';
import { FAULTS, POOL_SIZE } from './faults.ts';
import { formatRecording, recordingFile } from './recordings.ts';
import { metricsOfRules } from './rules.ts';
import { Scraper } from './scrape.ts';

const NAME = 'monitoring';
/** Of the quiet time before a fault, and of the time in which its traces go. */
const QUIET_SECONDS = 15;

const wanted = process.argv.slice(2);
for (const name of wanted)
  if (!(name in FAULTS)) throw new Error(`record: fault: found '${name}', want one of ${Object.keys(FAULTS)}`);
const report = (line: string) => console.log(line);
try {
  const lab = await Lab.up({ name: NAME, nodes: 3, report });
  await installBerth(lab, { report });
  const pool = tenAddresses(lab.plan.pools[0] ?? '');
  await applyObjects(lab, poolsConfigMap([pool]));
  await deployWeb(lab, 3);
  await applyObjects(lab, webService('web-1'));
  await waitForExternalIp(lab, 'web-1');
  const lan = new LanFaults(NAME);
  for (const name of wanted.length > 0 ? wanted : Object.keys(FAULTS)) await record(name, { lab, lan, pool });
  lan.close();
} finally {
  await Lab.down(NAME);
}

async function record(name: string, hands: { lab: Lab; lan: LanFaults; pool: string }): Promise<void> {
  const fault = FAULTS[name];
  if (fault === undefined) return;
  report(`record ${name}`);
  const scraper = new Scraper(hands.lab, metricsOfRules());
  await scraper.during(QUIET_SECONDS);
  const before = scraper.scrapes;
  await fault.begin(hands);
  await scraper.during(fault.seconds ?? 30);
  await fault.end(hands);
  const file = recordingFile(name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, formatRecording(scraper.recording, { before, scrapes: scraper.scrapes }));
  await new Promise((resolve) => setTimeout(resolve, QUIET_SECONDS * 1000));
}

/** The first ten addresses of a range `a-b` of IPv4. */
function tenAddresses(range: string): string {
  const [first = ''] = range.split('-');
  const octets = first.split('.').map(Number);
  const last = (octets[3] ?? 0) + POOL_SIZE - 1;
  return `${first}-${[...octets.slice(0, 3), last].join('.')}`;
}
