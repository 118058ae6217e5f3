// SPDX-License-Identifier: Apache-2.0
/** What `-w` does: prints all there is, and then what has changed, until it is interrupted. */
import type { ClusterObjects } from '@berth/core';
import type { Timer } from '@berth/runtime';
import { WatchedCluster } from './dashboard/watched-cluster.ts';
import { type Environment, EXIT } from './environment.ts';
import type { ClusterOptions } from './operation.ts';

/** Changes that come together are shown together, in milliseconds: of one event several nodes write. */
const GATHER_MS = 500;

/** What is shown of a cluster, as rows. */
export interface View<Row> {
  readonly rowsOf: (objects: ClusterObjects) => readonly Row[];
  /** Which row it is, whatever it says. */
  readonly keyOf: (row: Row) => string;
  /** What it says: a row is shown again when this is another. */
  readonly factsOf: (row: Row) => string;
  readonly begin: (rows: readonly Row[]) => void;
  readonly next: (row: Row) => void;
  /** A row that is no longer there, as it was. */
  readonly gone: (row: Row) => void;
  /** What grows old without a word is looked at this often, in milliseconds; absent: there is no such thing. */
  readonly lookEveryMs?: number;
}

export async function watchRows<Row>(
  view: View<Row>,
  cluster: ClusterOptions,
  environment: Environment,
): Promise<number> {
  const { clock, err, terminal } = environment;
  const { api } = await environment.connect(cluster);
  let shown: ReadonlyMap<string, Row> | undefined;
  let isPlanned = false;
  const showChanges = () => {
    if (shown === undefined) return;
    const rows = byKey(view, view.rowsOf(watched.objects()));
    const before = shown;
    shown = rows;
    for (const [key, row] of rows) {
      const old = before.get(key);
      if (old === undefined || view.factsOf(old) !== view.factsOf(row)) view.next(row);
    }
    for (const [key, row] of before) if (!rows.has(key)) view.gone(row);
  };
  const watched = new WatchedCluster({
    ...{ api, clock, cluster },
    onChange: () => {
      if (isPlanned || shown === undefined) return;
      isPlanned = true;
      clock.after(GATHER_MS, () => {
        isPlanned = false;
        showChanges();
      });
    },
    onError: (error) => err(`the API server does not answer: ${error.message}\n`, 'bad'),
    onRemark: (remark) => err(`${remark}\n`),
  });
  await watched.start();
  const rows = view.rowsOf(watched.objects());
  shown = byKey(view, rows);
  view.begin(rows);
  const interrupted = terminal?.interrupted ?? new AbortController().signal;
  let looking: Timer | undefined;
  const look = (everyMs: number) => {
    showChanges();
    looking = clock.after(everyMs, () => look(everyMs));
  };
  if (view.lookEveryMs !== undefined) look(view.lookEveryMs);
  if (!interrupted.aborted)
    await new Promise<void>((resolve) => interrupted.addEventListener('abort', () => resolve(), { once: true }));
  shown = undefined;
  looking?.cancel();
  await watched.stop();
  return EXIT.ok;
}

function byKey<Row>({ keyOf }: View<Row>, rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [keyOf(row), row]));
}
