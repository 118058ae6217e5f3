// SPDX-License-Identifier: Apache-2.0

// Which addresses the statuses of Services showed at any time, by a watch: one that is there for a moment counts.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Lab } from '../lab/lab.ts';

const ROW = '{.metadata.name} {.spec.type} {.status.loadBalancer.ingress[0].ip}{"\\n"}';

export class ShownAddresses {
  readonly #child: ChildProcess;
  readonly #shown: Record<string, string[]> = {};

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Begins with the Services that are there. */
  static async watch(lab: Lab): Promise<ShownAddresses> {
    const child = spawn(lab.program('kubectl'), ['get', 'services', '--watch', '-o', `jsonpath=${ROW}`], {
      env: { ...process.env, KUBECONFIG: lab.kubeconfig },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const shown = new ShownAddresses(child);
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => shown.#read(line));
    await once(lines, 'line');
    return shown;
  }

  /** Ends the watch and returns the first address of each Service of type LoadBalancer, '' where it had none. */
  async stop(): Promise<Readonly<Record<string, readonly string[]>>> {
    if (this.#child.exitCode !== null) throw new Error(`watch of Services: ended with ${this.#child.exitCode}`);
    this.#child.kill();
    await once(this.#child, 'exit');
    return this.#shown;
  }

  #read(line: string): void {
    const [name = '', type, address = ''] = line.split(' ');
    if (type !== 'LoadBalancer') return;
    const known = this.#shown[name] ?? [];
    if (!known.includes(address)) this.#shown[name] = [...known, address];
  }
}
