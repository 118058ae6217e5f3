// SPDX-License-Identifier: Apache-2.0

// A segment that is watched while something short goes wrong: who answered for what all the time, who else did, and how
// often VIPs changed hands.

import type { SimulatedNode } from './simulated-node.ts';
import { Simulation, type SimulationOptions } from './simulation.ts';

export interface BlipOptions extends Partial<SimulationOptions> {
  readonly nodes: number;
  /**
   * How long the segment has been settled before, in milliseconds. Default: long enough for all claims to be
   * established.
   */
  readonly calmMs?: number;
}

/** Long enough that no one counts as newly come, and claims are established. */
const CALM_MS = 12_500;

/** A settled segment of which each node owns as many VIPs as any other. */
export class Blip {
  readonly simulation: Simulation;
  /** Who owned each VIP before anything went wrong. */
  readonly before: ReadonlyMap<string, SimulatedNode>;

  constructor({ calmMs = CALM_MS, ...options }: BlipOptions) {
    const checks = options.nodes > 5 ? 'none' : 'each-event';
    this.simulation = new Simulation({ vips: 2 * options.nodes, seed: 11, checks, ...options });
    this.simulation.startAll();
    this.simulation.run(calmMs);
    this.before = new Map(this.vips.map((vip) => [vip, this.ownerOf(vip)]));
  }

  get vips(): string[] {
    return [...this.simulation.desired.keys()];
  }

  get nodes(): readonly SimulatedNode[] {
    return this.simulation.nodes;
  }

  ownerOf(vip: string): SimulatedNode {
    const [owner, other] = this.simulation.answering(vip);
    if (owner === undefined || other) throw new Error(`${vip}: want one owner, found ${this.simulation.ownersOf(vip)}`);
    return owner;
  }

  /** VIPs that these nodes owned before. */
  vipsOf(...nodes: readonly SimulatedNode[]): string[] {
    return this.vips.filter((vip) => nodes.some((node) => this.before.get(vip) === node));
  }

  others(...nodes: readonly SimulatedNode[]): SimulatedNode[] {
    return this.nodes.filter((node) => !nodes.includes(node));
  }

  /** Lets time pass, in steps; the VIPs that their owner of before did not answer for at some time. */
  watch(forMs: number, vips: readonly string[], stepMs = 5): Set<string> {
    const dropped = new Set<string>();
    for (let passed = 0; passed < forMs; passed += stepMs) {
      this.simulation.run(Math.min(stepMs, forMs - passed));
      for (const vip of vips) if (this.before.get(vip)?.answers(vip) !== true) dropped.add(vip);
    }
    return dropped;
  }

  /** VIPs for which none of these nodes answers. */
  unserved(vips: readonly string[], by: readonly SimulatedNode[] = this.nodes): string[] {
    return vips.filter((vip) => !by.some((node) => node.answers(vip)));
  }

  /** VIPs that are not where they were. */
  moved(vips: readonly string[] = this.vips): string[] {
    return vips.filter((vip) => this.simulation.ownersOf(vip).join() !== this.before.get(vip)?.name);
  }

  /**
   * Cuts a node off from everything, with its cable in, and heals that after a time. `during` is called just before.
   */
  cut(node: SimulatedNode, forMs: number, during: () => void = () => undefined): Set<string> {
    const { lan } = this.simulation;
    lan.isolate(node.name);
    const dropped = this.watch(forMs, this.vipsOf(...this.others(node)));
    during();
    lan.heal();
    return dropped;
  }
}
