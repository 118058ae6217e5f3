// SPDX-License-Identifier: Apache-2.0

// What the way over the owner costs: round trips and an upload over a connection that the owner passes on to another
// node, and over one that it serves itself. A client and two nodes on a bridge, in network namespaces.

import { buildAddon } from '../../packages/link/build.ts';
import { type WireHost, WireLan } from '../../packages/link/test/support/wire-lan.ts';
import { buildNativeProgram } from '../native-program.ts';
import { figure } from '../report.ts';
import type { KernelScenario } from './scenario.ts';

const VIP = '203.0.113.20';
/** Of the Service that `spread` of packages/link/test/support tells the program. */
const PORT = '80';
const ROUND_TRIPS = 5_000;
const UPLOAD_MS = 500;
const LONGER_US = 3;
const AT_LEAST_OF_SERVED = 0.8;
const OWNER = 1;
const SECOND = 2;

export const path: KernelScenario = {
  on: 'kernel',
  rounds: 20,
  async measure({ rounds, progress }) {
    buildAddon();
    const [ping, stream] = [buildNativeProgram('tcp-ping'), buildNativeProgram('tcp-stream')];
    const lan = await Wires.up();
    try {
      progress(`the way over the owner: ${rounds} rounds`);
      const trips = await lan.compare(rounds, ping, ['ask', VIP, PORT, String(ROUND_TRIPS)]);
      const uploads = await lan.compare(rounds, stream, ['send', VIP, PORT, String(UPLOAD_MS)]);
      const micros = (nanoseconds: readonly number[]) => nanoseconds.map((one) => one / 1e3);
      const gigabits = (bytes: readonly number[]) => bytes.map((one) => (one * 8) / 1e9);
      const [passedOn, served] = [micros(trips.passedOn), micros(trips.served)];
      return [
        figure({
          ...{ name: 'round trip, passed on', unit: 'us', samples: passedOn },
          yardstick: { name: 'owner serves', samples: served },
        }),
        figure({
          ...{ name: '  longer by', unit: 'us', samples: passedOn.map((one, round) => one - (served[round] ?? 0)) },
          target: { on: 'median', atMost: LONGER_US },
        }),
        figure({
          ...{ name: 'upload, passed on', unit: 'Gbit/s', samples: gigabits(uploads.passedOn), worstIs: 'small' },
          yardstick: { name: 'owner serves', samples: gigabits(uploads.served) },
          target: { on: 'ratio', atLeast: AT_LEAST_OF_SERVED },
        }),
      ];
    } finally {
      await lan.down();
    }
  },
};

class Wires {
  readonly #lan: WireLan;
  #macs = new Map<number, string>();

  private constructor(lan: WireLan) {
    this.#lan = lan;
  }

  static async up(): Promise<Wires> {
    const lan = await WireLan.up({
      client: { addresses: ['203.0.113.99/24'] },
      owner: { addresses: ['203.0.113.1/24'] },
      second: { addresses: ['203.0.113.2/24'] },
    });
    const wires = new Wires(lan);
    for (const [number, host] of wires.#nodes) {
      host.run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.lan0.arp_ignore=1');
      host.run('ip', 'address', 'add', `${VIP}/32`, 'dev', 'lo');
      wires.#macs.set(number, await host.call('macOf', 'lan0'));
      await host.call('spreadOn', 'kernel', 'lan0');
    }
    const entry = [VIP, 'lladdr', wires.#macs.get(OWNER) ?? '', 'nud', 'permanent', 'dev', 'lan0'];
    lan.host('client').run('ip', 'neighbor', 'replace', ...entry);
    return wires;
  }

  down(): Promise<void> {
    return this.#lan.down();
  }

  /** What a program on the client prints in rounds that alternate, by who serves. Its `serve` runs on both nodes. */
  async compare(
    rounds: number,
    program: string,
    argv: readonly string[],
  ): Promise<{ readonly passedOn: number[]; readonly served: number[] }> {
    const servers = this.#nodes.map(([, host]) => host.attempt(program, 'serve', PORT, String(rounds + 1)));
    const seen: { passedOn: number[]; served: number[] } = { passedOn: [], served: [] };
    // The first pair warms up.
    for (let round = 0; round <= rounds; round += 1) {
      const passedOn = await this.#play(SECOND, program, argv);
      const served = await this.#play(OWNER, program, argv);
      if (round === 0) continue;
      seen.passedOn.push(passedOn);
      seen.served.push(served);
    }
    await Promise.all(servers);
    return seen;
  }

  async #play(target: number, program: string, argv: readonly string[]): Promise<number> {
    for (const [self, host] of this.#nodes) {
      const members = [...this.#macs].filter(([number]) => number !== self);
      await host.call('spread', { self, target, vips: [VIP], members }, 'lan0');
    }
    const { code, output } = await this.#lan.host('client').attempt(program, ...argv);
    if (code !== 0) throw new Error(`bench: ${program}: exit code ${code}`);
    return Number(output);
  }

  get #nodes(): readonly (readonly [number, WireHost])[] {
    return [
      [OWNER, this.#lan.host('owner')],
      [SECOND, this.#lan.host('second')],
    ];
  }
}
