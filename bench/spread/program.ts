// SPDX-License-Identifier: Apache-2.0

// What the program takes for a packet, run by the kernel a million times on a frame (BPF_PROG_TEST_RUN), beside a
// program that does nothing.

import { nativeLink } from '@berth/link';
import { buildAddon } from '../../packages/link/build.ts';
import { frame, type PacketPlan, tcp } from '../../packages/link/test/support/packet-frames.ts';
import { planOf, planOf6, rowsOf, SELF, SpreadProgram } from '../../packages/link/test/support/spread-frames.ts';
import { figure } from '../report.ts';
import type { KernelScenario } from './scenario.ts';

const TIMES = 200_000;
const TARGET = 2;
const FORWARDED_NS = 250;
const OTHER_NS = 60;

/** A port that no Service has is the last thing that is found out; an address that is no VIP the first. */
const KINDS: readonly { readonly name: string; readonly plan: PacketPlan; readonly target: number }[] = [
  { name: 'passed on', plan: planOf(), target: TARGET },
  { name: 'passed on, IPv6', plan: planOf6(), target: TARGET },
  { name: 'passed on, the first of a connection', plan: planOf({ payload: tcp(40000, 80, 'SYN') }), target: TARGET },
  { name: 'served here', plan: planOf(), target: SELF },
];
const OTHERS: readonly { readonly name: string; readonly plan: PacketPlan }[] = [
  { name: 'for no VIP', plan: planOf({ destination: '203.0.113.21' }) },
  { name: 'for no VIP, IPv6', plan: planOf6({ destination: '2001:db8:5::21' }) },
];

export const program: KernelScenario = {
  on: 'kernel',
  rounds: 20,
  async measure({ rounds, progress }) {
    buildAddon();
    progress(`the program: ${rounds} rounds of ${TIMES} packets of each kind`);
    const spread = SpreadProgram.open();
    try {
      const empty: number[] = [];
      const times = new Map<string, number[]>();
      for (let round = 0; round < rounds; round += 1) {
        empty.push(nativeLink().spreadTryEmpty(frame(planOf()), TIMES));
        for (const { name, plan, target } of KINDS) {
          spread.tell(rowsOf(target));
          noted(times, name).push(spread.timeOf(plan, TIMES));
        }
        for (const { name, plan } of OTHERS) noted(times, name).push(spread.timeOf(plan, TIMES));
      }
      const yardstick = { name: 'empty program', samples: empty };
      return [
        ...KINDS.map(({ name, target }) =>
          figure({
            ...{ name: `packet ${name}`, unit: 'ns', samples: noted(times, name), yardstick },
            ...(target === TARGET && { target: { on: 'median', atMost: FORWARDED_NS } as const }),
          }),
        ),
        ...OTHERS.map(({ name }) =>
          figure({
            name: `packet ${name}, over an empty program`,
            unit: 'ns',
            samples: noted(times, name).map((one, round) => one - (empty[round] ?? 0)),
            yardstick,
            target: { on: 'median', atMost: OTHER_NS },
          }),
        ),
      ];
    } finally {
      spread.close();
    }
  },
};

function noted(times: Map<string, number[]>, name: string): number[] {
  const samples = times.get(name) ?? [];
  times.set(name, samples);
  return samples;
}
