// SPDX-License-Identifier: Apache-2.0

// Where `affinity` is played: four Services in front of a pod on each node, each with an IPv4 and an IPv6 VIP, of both
// traffic policies; two of them are served by their owner and two by every node.

import { inUrl } from '../../test/lab/in-url.ts';
import type { Lab } from '../../test/lab/lab.ts';
import { waitUntil } from '../../test/lab/wait.ts';
import { addressesOf, annotated, SERVE_ANNOTATION, servedByAll } from '../../test/support/serving.ts';
import { allNodesReady, setSpeakerOptions, silencesOf } from '../../test/support/speakers.ts';
import { applyObjects, deployWeb, waitForAnswer, waitForExternalIp, webService } from '../../test/support/workload.ts';
import { moveVips, ownersOf } from '../owners.ts';
import { GROUPS, type Group } from './seen.ts';

const WHOLE_TIMEOUT_MS = 90_000;
/** Pods of these labels are behind the Services. */
const LABELS = { behind: 'affinity' } as const;
export const BEHIND = 'behind=affinity';
/** Pods that are replaced serve on for so long, so that no node sends them new connections when they end. */
const SERVES_ON_SECONDS = 5;
const POLICIES = ['Cluster', 'Local'] as const;

/** How planned moves go: as plain layer 2 does them, or so that connections live. */
export type Moves = 'plain' | 'keep-connections';

export class AffinityStage {
  readonly lab: Lab;
  readonly progress: (line: string) => void;
  /** What people should know of the run besides its figures. */
  readonly notes: string[] = [];
  readonly #vips = new Map<string, { readonly group: Group; readonly policy: string }>();
  #moves: Moves | undefined;

  private constructor(lab: Lab, progress: (line: string) => void) {
    this.lab = lab;
    this.progress = progress;
  }

  /** Wants a lab with Berth and pools of both families. */
  static async up(lab: Lab, progress: (line: string) => void): Promise<AffinityStage> {
    const stage = new AffinityStage(lab, progress);
    await deployWeb(lab, stage.nodes.length, { name: 'steady', labels: LABELS });
    for (const group of GROUPS) for (const policy of POLICIES) await stage.#serve(group, policy);
    return stage;
  }

  get nodes(): string[] {
    return this.lab.nodes;
  }

  get vips(): readonly string[] {
    return [...this.#vips.keys()];
  }

  vipsOf(group: Group, policy?: string): string[] {
    const fits = (vip: string) => {
      const found = this.#vips.get(vip);
      return found?.group === group && (policy === undefined || found.policy === policy);
    };
    return this.vips.filter(fits);
  }

  /** `plain`: as layer 2 is without any of this; every VIP is then served by its owner. */
  async use(moves: Moves): Promise<void> {
    if (this.#moves === moves) return;
    this.progress(moves === 'plain' ? 'yardstick: plain layer 2' : 'Berth, with planned moves that keep connections');
    await setSpeakerOptions(this.lab, `PLANNED_MOVES=${moves}`);
    const serve = moves === 'plain' ? 'owner' : 'every-node';
    const services = POLICIES.map((policy) => nameOf('every-node', policy));
    await this.lab.kubectl(['annotate', 'service', ...services, `${SERVE_ANNOTATION}=${serve}`, '--overwrite']);
    this.#moves = moves;
    await this.whole();
  }

  /** Waits until all is as it should be: nodes, speakers, who serves what, and an answer from each VIP. */
  async whole(): Promise<void> {
    await allNodesReady(this.lab);
    await waitUntil({
      what: 'every VIP to have one owner',
      timeoutMs: WHOLE_TIMEOUT_MS,
      probe: async () => (await this.owners()).size === this.vips.length,
      intervalMs: 1_000,
    });
    for (const policy of POLICIES)
      if (this.#moves !== 'plain') await servedByAll(this.lab, nameOf('every-node', policy), this.nodes);
    for (const vip of this.vips) await waitForAnswer(this.lab, `http://${inUrl(vip)}/hostname`);
  }

  /** The node that says to own each VIP; a VIP that none or several claim is left out. */
  owners(): Promise<Map<string, string>> {
    return ownersOf(this.lab, this.vips);
  }

  move(vips: readonly string[], nodeFor: (owner: string) => string): Promise<void> {
    return moveVips(this.lab, vips, nodeFor);
  }

  /** A round in which a speaker fell silent by itself says more about the machine than about what was played. */
  async noteSilences(title: string, before: number): Promise<void> {
    const silences = (await silencesOf(this.lab)) - before;
    if (silences > 0) this.notes.push(`${title}: speakers fell silent, or were missed, ${silences} times`);
  }

  /** Pods that are replaced in a roll-out, beside those that stay. */
  rolling(replicas: number): Promise<void> {
    return deployWeb(this.lab, replicas, { name: 'rolling', labels: LABELS, servesOnSeconds: SERVES_ON_SECONDS });
  }

  /** Undoes whatever a scenario may have left. */
  async mend(): Promise<void> {
    for (const node of this.nodes) {
      await this.lab.cable(node, 'up');
      await this.lab.thaw(node).catch(() => {}); // It may have no speaker at this moment.
    }
    await this.lab.kubectl(['annotate', 'node', '--all', 'berth.dev/drain-']);
    await this.whole();
  }

  async #serve(group: Group, policy: (typeof POLICIES)[number]): Promise<void> {
    const name = nameOf(group, policy);
    const spec = { selector: LABELS, externalTrafficPolicy: policy, ipFamilyPolicy: 'RequireDualStack' };
    await applyObjects(this.lab, annotated(webService(name, spec), { [SERVE_ANNOTATION]: group }));
    await waitForExternalIp(this.lab, name);
    for (const vip of await addressesOf(this.lab, name)) this.#vips.set(vip, { group, policy });
  }
}

function nameOf(group: Group, policy: string): string {
  return `${group}-${policy.toLowerCase()}`;
}
