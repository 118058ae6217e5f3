// SPDX-License-Identifier: Apache-2.0

// Nodes that are full: pods that want more processor time than there is, with requests that make their share of it
// large, and pods that come and go, each of which brings a cable (veth), its addresses and a port of the node's bridge.

import { isKubeError, type KubeClient, type NewObject, type Pod, pods } from '@berth/kube';
import { waitUntil } from '../test/lab/wait.ts';
import { AGNHOST_IMAGE } from '../test/support/workload.ts';

export const PASSERS_PER_MINUTE = 60;
const NAMESPACE = 'default';
const START_TIMEOUT_MS = 120_000;
/**
 * Six of these fill three nodes that have two cores each by their own count, and leave room for Berth's own requests.
 */
const BUSY_REQUEST = '700m';
/** How long a passing pod lives: it is up before it is deleted, on a machine that is as busy as can be. */
const LIFE_MS = 10_000;

/** Where the pods run. */
export interface CrowdedLab {
  readonly client: KubeClient;
  readonly nodes: readonly string[];
}

/** Busy loops in pods. */
export class BusyPods {
  readonly #client: KubeClient;
  readonly #names: readonly string[];

  private constructor(client: KubeClient, names: readonly string[]) {
    this.#client = client;
    this.#names = names;
  }

  /** Starts `count` of them, spread over the nodes, and waits until all run. */
  static async start({ client, nodes }: CrowdedLab, count: number): Promise<BusyPods> {
    const names = Array.from({ length: count }, (_, index) => `busy-${index}`);
    const running = new BusyPods(client, names);
    const command = ['/bin/sh', '-c', 'while :; do :; done'];
    for (const [index, name] of names.entries())
      await client.create(pods, podOn(nodes[index % nodes.length], { name, command, cpu: BUSY_REQUEST }));
    await waitUntil({
      what: `${count} busy pods`,
      timeoutMs: START_TIMEOUT_MS,
      probe: async () => {
        const { items } = await client.list(pods, { namespace: NAMESPACE });
        return (
          items.filter(({ metadata, status }) => names.includes(metadata.name) && status?.phase === 'Running')
            .length === count
        );
      },
    });
    return running;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#names.map((name) => remove(this.#client, name)));
  }
}

/** One pod a second comes, and goes ten seconds later. */
export class PassingPods {
  readonly #lab: CrowdedLab;
  readonly #alive = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #serial = 0;
  #gone = 0;
  /** What the API server said against the first call that failed, if one did. */
  #failure: string | undefined;

  private constructor(lab: CrowdedLab) {
    this.#lab = lab;
    this.#timer = setInterval(() => {
      this.#pass().catch((error: unknown) => {
        this.#failure ??= String(error);
      });
    }, 60_000 / PASSERS_PER_MINUTE);
  }

  static start(lab: CrowdedLab): PassingPods {
    return new PassingPods(lab);
  }

  /** How many have come and gone. */
  get gone(): number {
    return this.#gone;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  /** Deletes what is left. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const left = [...this.#alive];
    this.#alive.clear();
    await Promise.all(left.map((name) => remove(this.#lab.client, name)));
  }

  async #pass(): Promise<void> {
    const { client, nodes } = this.#lab;
    const serial = this.#serial++;
    const name = `passing-${serial}`;
    this.#alive.add(name);
    await client.create(
      pods,
      podOn(nodes[serial % nodes.length], { name, command: ['/agnhost', 'pause'], cpu: '10m' }),
    );
    await new Promise((resolve) => setTimeout(resolve, LIFE_MS));
    if (!this.#alive.delete(name)) return;
    await remove(client, name);
    this.#gone += 1;
  }
}

interface PodShape {
  readonly name: string;
  readonly command: readonly string[];
  /** Request, in Kubernetes' units. */
  readonly cpu: string;
}

/** Without the scheduler, which would not put more on a node than fits. */
function podOn(nodeName: string | undefined, { name, command, cpu }: PodShape): NewObject<Pod> {
  const container = { name, image: AGNHOST_IMAGE, imagePullPolicy: 'Never', command, resources: { requests: { cpu } } };
  const spec = { nodeName, terminationGracePeriodSeconds: 1, restartPolicy: 'Never', containers: [container] };
  return { metadata: { namespace: NAMESPACE, name }, spec } as NewObject<Pod>;
}

async function remove(client: KubeClient, name: string): Promise<void> {
  try {
    await client.delete(pods, { namespace: NAMESPACE, name });
  } catch (error) {
    if (!isKubeError(error, 'not-found')) throw error;
  }
}
