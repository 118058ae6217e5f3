// SPDX-License-Identifier: Apache-2.0

// What Prometheus would have stored: the metrics that alerts read, of every pod of Berth, asked for at an even pace.

import { setTimeout as delay } from 'node:timers/promises';
import { inUrl } from '../lab/in-url.ts';
import type { Lab } from '../lab/lab.ts';
import { BERTH_NAMESPACE } from '../support/workload.ts';

export const SCRAPE_SECONDS = 5;

/** By series, as `name{label="value"}`: a value for each scrape, undefined where there was none. */
export type Recording = Map<string, (number | undefined)[]>;

interface Target {
  readonly pod: string;
  readonly node: string;
  readonly container: string;
  readonly url: string;
}

export class Scraper {
  readonly recording: Recording = new Map();
  readonly #lab: Lab;
  readonly #names: ReadonlySet<string>;
  #scrapes = 0;

  /** Keeps the metrics with these names. */
  constructor(lab: Lab, names: ReadonlySet<string>) {
    this.#lab = lab;
    this.#names = names;
  }

  get scrapes(): number {
    return this.#scrapes;
  }

  /** Scrapes for so long, and then returns. */
  async during(seconds: number): Promise<void> {
    for (let left = Math.round(seconds / SCRAPE_SECONDS); left > 0; left -= 1) {
      const [texts] = await Promise.all([this.#scrape(), delay(SCRAPE_SECONDS * 1000)]);
      for (const { target, text } of texts) this.#take(target, text);
      this.#scrapes += 1;
      for (const values of this.recording.values()) while (values.length < this.#scrapes) values.push(undefined);
    }
  }

  async #scrape(): Promise<{ target: Target; text: string }[]> {
    const targets = await this.#targets();
    return Promise.all(
      targets.map(async (target) => {
        const argv = ['curl', '-sf', '-m', '2', target.url];
        return { target, text: (await this.#lab.tryExec(target.node, argv)).stdout };
      }),
    );
  }

  async #targets(): Promise<Target[]> {
    const printed = await this.#lab.kubectl(['get', 'pods', '-n', BERTH_NAMESPACE, '-o', 'json']);
    const { items } = JSON.parse(printed) as { items: Pod[] };
    return items.flatMap(({ metadata, spec, status }) => {
      const [container] = spec.containers;
      const port = container?.ports?.find(({ name }) => name === 'metrics')?.containerPort;
      if (!status.podIP || !spec.nodeName || !container || port === undefined) return [];
      // A node that is cut off still knows itself.
      const host = spec.hostNetwork ? '127.0.0.1' : status.podIP;
      const url = `http://${inUrl(host)}:${port}/metrics`;
      return [{ pod: metadata.name, node: spec.nodeName, container: container.name, url }];
    });
  }

  #take({ pod, node, container }: Target, text: string): void {
    for (const [, name = '', labels = '', value] of text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)) {
      if (!this.#names.has(name)) continue;
      // As the PodMonitor has it: what the daemons call `node` goes before.
      const own = [`namespace="${BERTH_NAMESPACE}"`, `pod="${pod}"`, `container="${container}"`];
      if (!/(^|,)node="/.test(labels)) own.push(`node="${node}"`);
      const series = `${name}{${[...own, ...(labels ? [labels] : [])].join(',')}}`;
      const values = this.recording.get(series) ?? Array.from({ length: this.#scrapes }, () => undefined);
      values.push(Number(value));
      this.recording.set(series, values);
    }
  }
}

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly nodeName?: string;
    readonly hostNetwork?: boolean;
    readonly containers: readonly {
      readonly name: string;
      readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
    }[];
  };
  readonly status: { readonly podIP?: string };
}
