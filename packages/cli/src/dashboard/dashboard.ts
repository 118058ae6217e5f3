// SPDX-License-Identifier: Apache-2.0
/**
 * Everything behind the page at work: objects are watched, the report is made anew when they change, and what is
 * different goes to the pages.
 */
import { type ClusterFacts, clusterReport, readCluster, readHistory } from '@berth/core';
import { type ApiLink, type Difference, type Origin, pageFiles } from '@berth/dashboard';
import type { KubeApi } from '@berth/kube';
import type { Clock, Timer } from '@berth/runtime';
import type { ClusterOptions } from '../operation.ts';
import { ApiWatchman } from './api-watchman.ts';
import { EventStreams } from './event-streams.ts';
import { PageModel } from './page-model.ts';
import { PageServer } from './page-server.ts';
import { answerTo } from './questions.ts';
import { WatchedCluster } from './watched-cluster.ts';

/** Changes that come together are shown together: one Lease after the other is written when a node dies. */
const GATHER_MS = 50;
/**
 * A report takes at most one part in so many of the time, however many objects there are and however often they change.
 */
const REST_FACTOR = 5;
/** What grows old without a word (a Lease that is not renewed) is looked at this often. */
const LOOK_EVERY_MS = 1_000;

/**
 * Without an answer of the API server for longer than this, in milliseconds, nothing grows older: that no node renews
 * its Lease is not known while no one can see it. It is asked every three seconds and has four to answer.
 */
const BLIND_AFTER_MS = 10_000;

export interface DashboardOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly cluster: ClusterOptions;
  readonly origin: Origin;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly onRemark: (text: string) => void;
}

export class Dashboard {
  readonly #options: DashboardOptions;
  readonly #watched: WatchedCluster;
  readonly #watchman: ApiWatchman;
  readonly #streams: EventStreams;
  readonly #model: PageModel;
  #server: PageServer | undefined;
  #facts: ClusterFacts | undefined;
  #gathering: Timer | undefined;
  #looking: Timer | undefined;
  #isRunning = false;
  /** As of when all that is watched is known to be right, in milliseconds since 1970. */
  #knownMs = 0;
  readonly #stopper = new AbortController();
  #catchingUp: Promise<void> | undefined;
  /** How long the last report took, in milliseconds. */
  #tookMs = 0;

  constructor(options: DashboardOptions) {
    const { api, clock, cluster, origin, onRemark } = options;
    this.#options = options;
    this.#streams = new EventStreams(clock);
    this.#watched = new WatchedCluster({
      ...{ api, clock, cluster, onRemark },
      onChange: () => this.#gather(),
      // The watchman tells how long it lasts.
      onError: () => {},
    });
    this.#watchman = new ApiWatchman({
      ...{ api, clock, berthNamespace: cluster.berthNamespace },
      onAnswer: (link) => this.#answered(link),
    });
    this.#model = new PageModel(origin, this.#watchman.link);
  }

  /** Resolves when the page can be opened; rejects where the cluster cannot be read, or the port is taken. */
  async start(): Promise<void> {
    const { port } = this.#options;
    await this.#watched.start();
    this.#knownMs = this.#nowMs();
    this.#isRunning = true;
    this.#renew();
    const server = new PageServer({
      port,
      files: await pageFiles(),
      answer: (path, query) => {
        const eventsOf = (service: string) => this.#watched.eventsOf(service);
        return answerTo(path, query, { facts: this.#freshFacts(), eventsOf });
      },
      stream: (response) => {
        // What grew old while no one looked.
        this.#renew();
        this.#streams.add(response, JSON.stringify(this.#model.everything()));
      },
    });
    await server.start();
    this.#server = server;
    this.#watchman.start();
    this.#look();
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#stopper.abort();
    this.#gathering?.cancel();
    this.#looking?.cancel();
    this.#streams.end();
    await this.#catchingUp;
    await Promise.all([this.#server?.stop(), this.#watchman.stop(), this.#watched.stop()]);
  }

  /** What a person opens; it works once. */
  get address(): string {
    return this.#server?.address ?? '';
  }

  /** How long no page has been open, in milliseconds; 0 before the first one came. */
  get emptyMs(): number {
    return this.#streams.emptyMs;
  }

  #answered(link: ApiLink): void {
    this.#send(this.#model.updateApi(link, this.#nowMs()));
    if (link.state === 'lost') return;
    if (link.asOfMs - this.#knownMs <= BLIND_AFTER_MS) this.#knownMs = link.asOfMs;
    else this.#catchingUp ??= this.#catchUp();
  }

  /** After an outage, or a sleep of this machine, watches may still be behind, or dead without a word. */
  async #catchUp(): Promise<void> {
    const isCaughtUp = await this.#watched.refresh(this.#stopper.signal);
    this.#catchingUp = undefined;
    if (!isCaughtUp || !this.#isRunning) return;
    this.#knownMs = this.#nowMs();
    this.#gather();
  }

  /** The moment as of which the cluster is judged: now, or when it was last seen. */
  #judgedMs(): number {
    const nowMs = this.#nowMs();
    return nowMs - this.#knownMs > BLIND_AFTER_MS ? this.#knownMs : nowMs;
  }

  #nowMs(): number {
    return this.#options.clock.date().getTime();
  }

  #gather(): void {
    if (!this.#isRunning) return;
    this.#facts = undefined;
    this.#gathering ??= this.#options.clock.after(Math.max(GATHER_MS, REST_FACTOR * this.#tookMs), () => {
      this.#gathering = undefined;
      this.#renew();
    });
  }

  #look(): void {
    this.#looking = this.#options.clock.after(LOOK_EVERY_MS, () => {
      // Only while somebody looks: the next one who comes gets everything anyway.
      if (this.#streams.count > 0) this.#renew();
      this.#look();
    });
  }

  #renew(): void {
    const startMs = this.#options.clock.now();
    this.#facts = undefined;
    const facts = this.#freshFacts();
    const history = readHistory(facts.objects.configMaps).entries;
    const difference = this.#model.update({ report: { ...clusterReport(facts), atMs: this.#nowMs() }, history });
    if (difference) this.#send(difference);
    this.#tookMs = this.#options.clock.now() - startMs;
  }

  #freshFacts(): ClusterFacts {
    this.#facts ??= readCluster({ ...this.#watched.objects(), nowMs: this.#judgedMs() });
    return this.#facts;
  }

  #send(difference: Difference): void {
    if (this.#streams.count > 0) this.#streams.send(JSON.stringify(difference));
  }
}
