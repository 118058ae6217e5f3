// SPDX-License-Identifier: Apache-2.0

// A host on the LAN of a lab that belongs to no one: a network namespace with a cable in the switch, to ask and listen
// from.

import { run } from '../lab/run.ts';

export interface LanHostOptions {
  readonly labName: string;
  /** Of the host and of its port on the switch; at most 15 characters. */
  readonly name: string;
}

export class LanHost {
  readonly name: string;
  /** Network namespace, as under /run/netns. */
  readonly namespace: string;
  readonly #switch: string;

  constructor({ labName, name }: LanHostOptions) {
    this.name = name;
    this.namespace = `berth-${labName}-${name}`;
    this.#switch = `berth-${labName}-lan`;
  }

  async up(): Promise<void> {
    await run(['ip', 'netns', 'add', this.namespace]);
    const port = ['link', 'add', this.name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.namespace];
    await run(['ip', '-n', this.#switch, ...port]);
    await run(['ip', '-n', this.#switch, 'link', 'set', this.name, 'master', 'lan-1', 'up']);
    await run(['ip', '-n', this.namespace, 'link', 'set', 'eth0', 'up']);
  }

  async down(): Promise<void> {
    await run(['ip', 'netns', 'delete', this.namespace]);
  }
}
