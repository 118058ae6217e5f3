// SPDX-License-Identifier: Apache-2.0

// What the program in the kernel costs the traffic that is none of its business: one TCP stream into the node, in
// alternating rounds with and without the program on the interface. Two hosts on a bridge in network namespaces; needs
// root.

import { buildAddon } from '../packages/link/build.ts';
import { type WireHost, WireLan } from '../packages/link/test/support/wire-lan.ts';
import { buildNativeProgram } from './native-program.ts';
import { type BenchOptions, type BenchReport, figure, thisMachine } from './report.ts';

const CLIENT = '203.0.113.99';
const NODE = '203.0.113.10';
const VIP = '203.0.113.20';
const PORT = 5001;
/** Pairs of rounds unless asked otherwise, and milliseconds of each round. */
const ROUNDS = 15;
const ROUND_MS = 700;
const AT_LEAST_OF_PLAIN = 0.98;

/** The only scenario is `default`. */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const rounds = options.rounds ?? ROUNDS;
  buildAddon();
  const program = buildNativeProgram('tcp-stream');
  const plan = { client: { addresses: [`${CLIENT}/24`] }, owner: { addresses: [`${NODE}/24`] } };
  const lan = await WireLan.up(plan, 'kernel');
  try {
    const owner = lan.host('owner');
    const client = lan.host('client');
    await owner.call('answerOn', 'lan0');
    await owner.call('replace', [VIP, 'lan0']);
    await owner.call('keepFence', 1000);
    const server = owner.attempt(program, 'serve', String(PORT), String(2 * rounds + 1));
    await stream(client, program);
    options.progress(`${rounds} pairs of rounds of ${ROUND_MS} ms`);
    const [withProgram, without]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      await owner.call('answerOn', 'lan0');
      withProgram.push(await stream(client, program));
      await owner.call('detach', 'lan0');
      without.push(await stream(client, program));
    }
    await server;
    return report(withProgram, without);
  } finally {
    await lan.down();
  }
}

/** Gigabits a second. */
async function stream(client: WireHost, program: string): Promise<number> {
  const { code, output } = await client.attempt(program, 'send', NODE, String(PORT), String(ROUND_MS));
  if (code !== 0) throw new Error(`bench: tcp-stream: exit code ${code}`);
  return (Number(output) * 8) / 1e9;
}

function report(withProgram: readonly number[], without: readonly number[]): BenchReport {
  const yardstick = { name: 'without', samples: without };
  const target = { on: 'ratio', atLeast: AT_LEAST_OF_PLAIN } as const;
  const common = { unit: 'Gbit/s', worstIs: 'small' } as const;
  return {
    bench: 'traffic',
    scenario: 'default',
    machine: thisMachine(),
    rounds: withProgram.length,
    figures: [
      figure({ name: 'TCP stream with the program', ...common, samples: withProgram, yardstick, target }),
      figure({ name: 'TCP stream without it', ...common, samples: without }),
    ],
  };
}
