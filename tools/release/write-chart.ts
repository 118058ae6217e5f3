// SPDX-License-Identifier: Apache-2.0

// `npm run chart`: writes what is generated: the dashboard for Grafana in manifests/monitoring/, and the files of
// charts/berth.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CHART_FOLDER, chartFiles } from './chart.ts';
import { DASHBOARD_FILE, grafanaDashboard } from './grafana-dashboard.ts';

await writeFile(DASHBOARD_FILE, grafanaDashboard());

for (const [path, text] of await chartFiles()) {
  const file = join(CHART_FOLDER, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
