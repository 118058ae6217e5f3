// SPDX-License-Identifier: Apache-2.0

// Thousands of random operations against allocator, ledger and an independent set of rules. `BERTH_MODEL_RUNS` sets how
// many cases are run, `BERTH_MODEL_SEED` repeats a run.

import { configOf } from '@berth/core/testing';
import fc from 'fast-check';
import { ModelledCluster } from './modelled-cluster.ts';
import { operation } from './operations.ts';

const RUNS = Number(process.env.BERTH_MODEL_RUNS ?? 150);
const SEED = process.env.BERTH_MODEL_SEED === undefined ? {} : { seed: Number(process.env.BERTH_MODEL_SEED) };
const MAX_OPERATIONS = 60;

const DUAL = ['203.0.113.0-203.0.113.2', '2001:db8::-2001:db8::2'];

const CONFIGS = [
  configOf({ main: { addresses: DUAL } }),
  configOf({ main: { addresses: ['203.0.113.1-203.0.113.4'] }, side: { addresses: ['2001:db8::1-2001:db8::3'] } }),
  configOf({
    side: { addresses: ['203.0.113.0-203.0.113.1'], autoAssign: false },
    main: { addresses: ['203.0.113.2-203.0.113.5'], cooldown: '1m' },
  }),
  configOf({ main: { addresses: DUAL, avoidBuggyIPs: true, quota: { perNamespace: 2 } } }),
  configOf({
    main: {
      addresses: DUAL,
      serviceAllocation: { namespaces: ['shop'], priority: 5 },
      reserved: [{ address: '203.0.113.1', service: 'shop/c' }],
    },
    side: {
      addresses: ['203.0.113.4/31'],
      serviceAllocation: { namespaceSelectors: [{ matchLabels: { team: 'red' } }], sharedAcrossNamespaces: true },
    },
  }),
  configOf({
    main: {
      addresses: ['203.0.113.0/30'],
      exclude: ['203.0.113.2/32'],
      serviceAllocation: { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] },
    },
  }),
  configOf({}),
] as const;

describe('allocator, ledger and two controllers', () => {
  it(`keep the invariants in ${RUNS} random histories`, () => {
    fc.assert(
      fc.property(fc.array(operation(CONFIGS.length), { maxLength: MAX_OPERATIONS, size: 'max' }), (operations) => {
        const cluster = new ModelledCluster(CONFIGS);
        for (const each of operations) cluster.run(each);
        cluster.settle();
      }),
      { numRuns: RUNS, ...SEED },
    );
  }).timeout(Math.max(60_000, RUNS * 100));
});
