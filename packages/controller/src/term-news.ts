// SPDX-License-Identifier: Apache-2.0
/** Who follows which news within a term of leadership. */
import { errorFields } from '@berth/runtime';
import { quarantineMarks } from './history/history-marks.ts';
import type { LeaderTermOptions, TermParts } from './term-parts.ts';

/** What the parts of a term say to each other. They end with the term, all of them. */
export function followParts(parts: TermParts, options: LeaderTermOptions): void {
  const { pools, occupancy, surroundings, services } = parts;
  pools.looks.subscribe((before, now) => surroundings.poolsLooked(before, now));
  occupancy.changes.subscribe(() => surroundings.occupantsChanged());
  services.decided.subscribe(() => pools.useChanged());
  followWrites(parts, options);
  followLedger(parts, options);
  followQuarantines(parts, options);
  parts.times.addresses.subscribe((milliseconds) => options.metrics.gotAddress(milliseconds));
  parts.times.announcements.subscribe((milliseconds) => options.metrics.wasAnnounced(milliseconds));
}

/** What the cluster says, which others follow beside this term; returns what ends it. */
export function followCluster(parts: TermParts, { view, log }: LeaderTermOptions): () => void {
  const { times, patcher, services, surroundings } = parts;
  const ends = [
    view.services.subscribe((event) => times.follow(event)),
    view.services.subscribe((event) => {
      patcher.seen(event.object);
      services.serviceChanged(event);
    }),
    view.namespaces.subscribe((event) => surroundings.namespaceChanged(event)),
    view.ledgerVersions.subscribe((event) => void services.ledgerChanged(event)),
    view.rewinds.subscribe(() => {
      log.warn('the API server was restored from a backup: everything is read anew');
      services.rewound();
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function followWrites(parts: TermParts, { view, metrics, log }: LeaderTermOptions): void {
  const { patcher, writer, announcements, queue, reporters } = parts;
  patcher.patches.subscribe((patched) => {
    metrics.statusPatched();
    view.learn(patched);
  });
  patcher.undone.subscribe((service, waitMs, writers) => reporters.undone.tell(service, waitMs, writers));
  writer.findings.subscribe((service, finding) => announcements.tell(service, finding));
  writer.reads.subscribe((fresh) => view.learn(fresh));
  writer.waits.subscribe((key, waitMs) => queue.addAfter(key, waitMs));
  announcements.failures.subscribe((service, error) => {
    metrics.apiFailed(error);
    log.debug('condition Announced not written', { service, ...errorFields(error) });
  });
}

function followLedger({ allocation, outages, reporters }: TermParts, { metrics }: LeaderTermOptions): void {
  allocation.reloads.subscribe((reload) => reporters.ledger.tell(reload));
  allocation.lostRaces.subscribe(() => metrics.ledgerRaceLost());
  allocation.writes.subscribe((milliseconds) => metrics.ledgerWritten(milliseconds));
  allocation.failures.subscribe((error, retryInMs) => outages.ledgerFailed(error, retryInMs));
  allocation.successes.subscribe(() => {
    outages.ledgerWorks();
    reporters.ledger.decided();
  });
}

function followQuarantines({ quarantines, queue, reporters, history }: TermParts, { clock }: LeaderTermOptions): void {
  quarantines.due.subscribe(() => queue.nudge());
  quarantines.news.subscribe((news) => {
    reporters.quarantine.tell(news);
    history.note(...quarantineMarks(news, clock.date().getTime()));
  });
}
