// SPDX-License-Identifier: Apache-2.0
/** Tells what became of the pool configuration: in the log and as Events on the ConfigMap. */
import { EVENT_REASONS, formatProblem, hashSuffixRemark, isHashSuffixed, POOL_CONFIG_MAP } from '@berth/core';
import type { ConfigMap, EventRecorder } from '@berth/kube';
import type { Log } from '@berth/runtime';
import { type MetallbSource, UNREAD_WORDS } from './metallb-source.ts';
import type { PoolState } from './pool-source.ts';

export interface PoolReporterOptions {
  readonly log: Log;
  readonly events: EventRecorder;
  readonly namespace: string;
}

/** Characters that an Event's message has room for, less what goes round the problems. */
const MAX_EVENT_TEXT = 900;

export class PoolReporter {
  readonly #options: PoolReporterOptions;
  /** ConfigMaps that were reported because of their name. */
  readonly #misnamed = new Set<string>();
  /** What was said last of the objects of MetalLB. */
  #toldOfObjects = '';

  constructor(options: PoolReporterOptions) {
    this.#options = options;
  }

  /** Tells about a new state; `configMap` is what it was read from. */
  tell(before: PoolState, now: PoolState, configMap: ConfigMap | undefined): void {
    switch (now.report) {
      case 'Valid':
        this.#valid(before, now, configMap);
        return;
      case 'Invalid':
        this.#invalid(now, configMap);
        return;
      case 'Missing':
        this.#options.log.warn('pool configuration is gone, the last good one stays', { configMap: POOL_CONFIG_MAP });
        return;
      case 'Unknown':
        this.#options.log.info('waiting for the pool configuration', { configMap: POOL_CONFIG_MAP });
        return;
    }
  }

  /** Reports a ConfigMap that kustomize gave another name, once; does nothing about other names. */
  hashSuffixed(name: string): void {
    if (!isHashSuffixed(name) || this.#misnamed.has(name)) return;
    this.#misnamed.add(name);
    this.#options.log.warn(hashSuffixRemark(name), { configMap: name });
  }

  /** Tells whether objects of MetalLB are read, once until that changes; a cluster without its CRDs hears nothing. */
  objects(source: MetallbSource): void {
    const why = source.kind === 'unread' ? source.why : source.kind;
    const isNothing = this.#toldOfObjects === '' && why !== 'read' && why !== 'MetallbRuns';
    if (isNothing || why === 'unknown' || why === this.#toldOfObjects) return;
    this.#toldOfObjects = why;
    if (source.kind !== 'unread') this.#options.log.info('objects of MetalLB are read');
    else this.#options.log.warn('objects of MetalLB are not read', { why: UNREAD_WORDS[source.why] });
  }

  /** Reports that the speakers cannot learn what is in force; once for a while, as Events are. */
  lastGoodUnwritable(message: string, configMap: ConfigMap | undefined): void {
    this.#record(configMap, { type: 'Warning', reason: EVENT_REASONS.lastGoodUnwritable, message });
  }

  #valid(before: PoolState, now: PoolState, configMap: ConfigMap | undefined): void {
    const pools = now.config?.pools.length ?? 0;
    const warnings = now.warnings.map(formatProblem);
    this.#options.log.info('pool configuration loaded', { pools, ...(warnings.length > 0 && { warnings }) });
    const isNews = before.data !== now.data || before.report === 'Invalid';
    if (!isNews && warnings.length === 0) return;
    const message = [`${pools} pools loaded`, ...shortened(warnings)].join('\n');
    const type = warnings.length > 0 ? 'Warning' : 'Normal';
    this.#record(configMap, { type, reason: EVENT_REASONS.configurationLoaded, message });
  }

  #invalid(now: PoolState, configMap: ConfigMap | undefined): void {
    const problems = now.problems.map(formatProblem);
    this.#options.log.error('pool configuration refused, the last good one stays', { problems });
    const remains = now.config ? 'the last good configuration stays in force' : 'no pools are in force';
    const message = [`refused, ${remains}:`, ...shortened(problems)].join('\n');
    this.#record(configMap, { type: 'Warning', reason: EVENT_REASONS.configurationRefused, message });
  }

  #record(configMap: ConfigMap | undefined, note: Parameters<EventRecorder['record']>[1]): void {
    const { events, namespace } = this.#options;
    const place = { namespace, name: POOL_CONFIG_MAP };
    events.record({ apiVersion: 'v1', kind: 'ConfigMap', metadata: configMap?.metadata ?? place }, note);
  }
}

function shortened(lines: readonly string[]): string[] {
  let room = MAX_EVENT_TEXT;
  // A line may go on with a suggestion, which is long: without it the line is still worth its room.
  const heads = lines.map((line) => (line.length < room ? line : `${line.split('\n')[0]} (in the log)`));
  const shown = heads.filter((line) => {
    room -= line.length + 1;
    return room >= 0;
  });
  const left = lines.length - shown.length;
  return left === 0 ? shown : [...shown, `and ${left} more: see the log or the ConfigMap pool-status`];
}
