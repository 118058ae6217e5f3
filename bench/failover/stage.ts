// SPDX-License-Identifier: Apache-2.0

// Where the scenarios of `failover` are played: a lab with Berth, Services with VIPs, and a client that watches the
// wire. Puts the lab right again between two rounds, and repeats a round that could not be measured.

import { setTimeout as delay } from 'node:timers/promises';
import type { KubeClient } from '@berth/kube';
import { Lab } from '../../test/lab/lab.ts';
import { waitUntil } from '../../test/lab/wait.ts';
import { setSpeakerOptions } from '../../test/support/speakers.ts';
import { answerers, newestAnswerers } from '../../test/support/wire-record.ts';
import { WireWatch } from '../../test/support/wire-watch.ts';
import {
  applyObjects,
  BERTH_NAMESPACE,
  curlFromClient,
  waitForExternalIp,
  webService,
} from '../../test/support/workload.ts';
import { played } from '../playing.ts';

/** Services in front of the web pods: enough that nodes can be uneven. */
const SERVICES = ['failover-1', 'failover-2', 'failover-3'];
/** Attempts at one round before a scenario is given up. */
const ATTEMPTS = 4;
/** How long everything must be right before a round begins, in milliseconds. */
const CALM_MS = 400;
const WHOLE_TIMEOUT_MS = 90_000;
const SPEAKERS = `/apis/apps/v1/namespaces/${BERTH_NAMESPACE}/daemonsets/speaker`;

/** Milliseconds between two questions for one VIP. */
const ASK_EVERY_MS = 5;

export interface StageOptions {
  readonly lab: Lab;
  readonly client: KubeClient;
  readonly progress: (line: string) => void;
  /** Names of Services in front of the web pods. Default: three. */
  readonly services?: readonly string[];
  /** Milliseconds between two questions for one VIP. Default: 5. */
  readonly askEveryMs?: number;
}

export class Stage {
  readonly lab: Lab;
  readonly watch: WireWatch;
  readonly progress: (line: string) => void;
  /** What people should know of the run besides its figures. */
  readonly notes: string[] = [];
  #vips: readonly string[] = [];
  #askEveryMs = ASK_EVERY_MS;
  readonly client: KubeClient;

  private constructor(lab: Lab, client: KubeClient, watch: WireWatch, progress: (line: string) => void) {
    this.lab = lab;
    this.client = client;
    this.watch = watch;
    this.progress = progress;
  }

  /** Wants a lab with Berth, a pool and web pods. */
  static async up({
    lab,
    client,
    progress,
    services = SERVICES,
    askEveryMs = ASK_EVERY_MS,
  }: StageOptions): Promise<Stage> {
    // Moves are what is measured: none but those of the fault.
    await setSpeakerOptions(lab, 'REBALANCE=off');
    const watch = await WireWatch.start({ namespace: lab.namespaceOf('client') });
    const stage = new Stage(lab, client, watch, progress);
    await applyObjects(lab, ...services.map((name) => webService(name)));
    stage.#vips = await Promise.all(services.map((name) => waitForExternalIp(lab, name)));
    stage.#askEveryMs = askEveryMs;
    await watch.ask(stage.#vips, askEveryMs);
    await stage.whole();
    return stage;
  }

  down(): Promise<void> {
    return this.watch.stop();
  }

  get vips(): readonly string[] {
    return this.#vips;
  }

  /** The VIP that most scenarios are about. */
  get vip(): string {
    return this.#vips[0] ?? '';
  }

  get nodes(): string[] {
    return this.lab.nodes;
  }

  /** The host that has this MAC address on the LAN. */
  hostOf(mac: string): string {
    const found = this.lab.plan.hosts.find(({ interfaces }) => interfaces.some((own) => own.mac === mac));
    if (!found) throw new Error(`bench: ${mac} answers for a VIP and is no host of the lab`);
    return found.name;
  }

  macOf(host: string): string {
    return this.lab.plan.hosts.find(({ name }) => name === host)?.interfaces[0]?.mac ?? '';
  }

  /** The node that answers for each VIP, as seen on the wire; waits until that is exactly one for each. */
  async owners(): Promise<Map<string, string>> {
    const owners = new Map<string, string>();
    await waitUntil({
      what: `one node each to answer for ${this.#vips.join(', ')}`,
      timeoutMs: WHOLE_TIMEOUT_MS,
      probe: async () => {
        await this.watch.take();
        await delay(CALM_MS / 2);
        const record = await this.watch.take();
        for (const vip of this.#vips) {
          const macs = answerers(record.questions.filter((question) => question.vip === vip));
          const isAnswered = newestAnswerers(record).has(vip);
          if (macs.length !== 1 || !isAnswered) return false;
          owners.set(vip, this.hostOf(macs[0] ?? ''));
        }
        return true;
      },
    });
    return owners;
  }

  async owner(vip = this.vip): Promise<string> {
    return (await this.owners()).get(vip) ?? '';
  }

  /** Waits until every node and every speaker is ready, each VIP has one owner and the client can connect. */
  async whole(): Promise<void> {
    await waitUntil({ what: 'all speakers', timeoutMs: WHOLE_TIMEOUT_MS, probe: () => this.#areSpeakersReady() });
    await waitUntil({ what: 'all nodes', timeoutMs: WHOLE_TIMEOUT_MS, probe: () => this.#areNodesReady() });
    await waitUntil({
      what: `an answer from ${this.vip}`,
      timeoutMs: WHOLE_TIMEOUT_MS,
      probe: async () => (await curlFromClient(this.lab, `http://${this.vip}/hostname`)) !== undefined,
    });
    await delay(CALM_MS);
    await this.owners();
  }

  /** Plays a round; when that fails, mends the lab and plays it again, a few times. */
  round<T>(title: string, play: () => Promise<T>): Promise<T> {
    return played(this, { title, attempts: ATTEMPTS }, play);
  }

  /** Undoes whatever a scenario may have left, and starts all speakers anew. */
  async mend(): Promise<void> {
    await retrying(async () => {
      await Lab.up({ name: this.lab.name });
      await this.lab.kubectl(['annotate', 'node', '--all', 'berth.dev/drain-']);
      await this.freshPods(BERTH_NAMESPACE, ['-l', 'app.kubernetes.io/component=speaker']);
      await this.watch.ask(this.#vips, this.#askEveryMs);
      await this.whole();
    });
  }

  /**
   * Has pods replaced by new ones: their kubelet would start a killed container again only after a while, the longer
   * the more often.
   */
  async freshPods(namespace: string, selection: readonly string[]): Promise<void> {
    const argv = ['-n', namespace, 'delete', 'pod', ...selection, '--force', '--grace-period=0', '--ignore-not-found'];
    await this.lab.kubectl(argv);
  }

  /** Sets or (null) removes options of all speakers and waits until all have them. */
  async tune(environment: Readonly<Record<string, string | null>>): Promise<void> {
    const settings = Object.entries(environment).map(([name, value]) =>
      value === null ? `${name}-` : `${name}=${value}`,
    );
    if (settings.length === 0) return;
    await retrying(async () => {
      await setSpeakerOptions(this.lab, ...settings);
      await this.whole();
    });
  }

  async #areSpeakersReady(): Promise<boolean> {
    const found = await this.#read<DaemonSet>(SPEAKERS);
    if (found === undefined) return false;
    const { desiredNumberScheduled, numberReady = 0, updatedNumberScheduled = 0, observedGeneration } = found.status;
    const isCurrent = observedGeneration === found.metadata.generation;
    return isCurrent && [numberReady, updatedNumberScheduled].every((count) => count === desiredNumberScheduled);
  }

  async #areNodesReady(): Promise<boolean> {
    const found = await this.#read<NodeList>('/api/v1/nodes');
    const isReady = ({ status }: NodeList['items'][number]) =>
      status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
    return found !== undefined && found.items.length === this.nodes.length && found.items.every(isReady);
  }

  /** Undefined while the API server does not answer. */
  async #read<T>(path: string): Promise<T | undefined> {
    try {
      return (await this.client.raw(path)) as T;
    } catch {
      // Whoever asks waits and asks again, with a deadline.
      return undefined;
    }
  }
}

interface DaemonSet {
  readonly metadata: { readonly generation: number };
  readonly status: {
    readonly desiredNumberScheduled: number;
    readonly numberReady?: number;
    readonly updatedNumberScheduled?: number;
    readonly observedGeneration?: number;
  };
}

interface NodeList {
  readonly items: readonly { readonly status: { readonly conditions?: readonly { type: string; status: string }[] } }[];
}

/** A step that puts things right may fail while they are wrong. */
async function retrying(step: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await step();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}
