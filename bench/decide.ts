// SPDX-License-Identifier: Apache-2.0

// One allocation decision in core, with 10,000 addresses given out at the start and one more in each round: a new
// Service comes and gets its address. The end of the draft is outside the measured time, since the write decides how
// long it takes.

import { Allocator, type IpAddress, type IpFamily, parsePoolConfig, type ServiceRequest } from '@berth/core';
import { Bench } from 'tinybench';
import { type BenchOptions, type BenchReport, type Figure, figure, thisMachine } from './report.ts';

const ALLOCATED = 10_000;
const DEFAULT_ROUNDS = 5_000;
const WARM_UP_ROUNDS = 2_000;
const TARGET_MICROSECONDS = 5;

/** One ledger entry, to be parsed as the yardstick: what any Node program pays for a bit of JSON. */
const ENTRY = '{"pool":"lan","services":[{"name":"shop/service-1234","share":{"key":"front","ports":["TCP/80"]}}]}';

interface Scenario {
  readonly name: string;
  readonly addresses: readonly string[];
  /** More fields of each pool's spec. */
  readonly spec?: object;
  readonly family?: IpFamily;
  /** Sharing key of the n-th Service. */
  sharingKey?(index: number): string;
  /** Whether the measured Service is one that has its address already. */
  readonly isKnown?: boolean;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'new, 80 pools of /24', addresses: Array.from({ length: 80 }, (_, index) => `10.0.${index}.0/24`) },
  { name: 'new, /16', addresses: ['10.1.0.0/16'] },
  { name: 'new, /8', addresses: ['10.0.0.0/8'] },
  { name: 'new, /8 with avoidBuggyIPs', addresses: ['10.0.0.0/8'], spec: { avoidBuggyIPs: true } },
  { name: 'new, /64', addresses: ['2001:db8::/64'], family: 'IPv6' },
  { name: 'new, /16 with quotas', addresses: ['10.1.0.0/16'], spec: { quota: { perNamespace: 20_000 } } },
  { name: 'sharing, /16', addresses: ['10.1.0.0/16'], sharingKey: (index) => `key-${index >> 1}` },
  { name: 'known, /16', addresses: ['10.1.0.0/16'], isKnown: true },
];

export async function run(options: BenchOptions): Promise<BenchReport> {
  const rounds = options.rounds ?? DEFAULT_ROUNDS;
  const yardstick = { name: 'JSON.parse of one entry', samples: await measure(rounds, () => void JSON.parse(ENTRY)) };
  const figures: Figure[] = [];
  for (const scenario of SCENARIOS) {
    options.progress(`deciding: ${scenario.name}`);
    const samples = await measureScenario(scenario, rounds);
    const target = { on: 'median', atMost: TARGET_MICROSECONDS } as const;
    figures.push(figure({ name: scenario.name, unit: 'us', samples, yardstick, target }));
  }
  const scenario = `${ALLOCATED} allocated`;
  return { bench: 'decide', scenario, machine: thisMachine(), rounds, figures };
}

function measureScenario(scenario: Scenario, rounds: number): Promise<number[]> {
  const allocator = filled(scenario);
  let round = 0;
  let request = requestOf(scenario, 0);
  return measure(
    rounds,
    () => {
      const { addresses } = allocator.decide(request, 0);
      if (addresses.length === 0) throw new Error(`bench: ${scenario.name}: no address`);
    },
    {
      before: () => {
        round++;
        // A stride that is prime to the number of Services, so that known ones come in no order.
        request = requestOf(scenario, scenario.isKnown ? (round * 7_919) % ALLOCATED : ALLOCATED + round);
      },
      after: () => allocator.commit([]),
    },
  );
}

/** Microseconds of each round. */
async function measure(
  rounds: number,
  work: () => void,
  around: { before?(): void; after?(): void } = {},
): Promise<number[]> {
  const bench = new Bench({
    iterations: rounds,
    time: 0,
    warmup: true,
    warmupIterations: WARM_UP_ROUNDS,
    warmupTime: 0,
    retainSamples: true,
  });
  bench.add('decide', work, { beforeEach: () => around.before?.(), afterEach: () => around.after?.() });
  const [task] = await bench.run();
  const result = task?.result;
  if (result?.state !== 'completed') throw new Error(`bench: decide: ${result?.state ?? 'no result'}`);
  return (result.latency.samples ?? []).map((milliseconds) => milliseconds * 1000);
}

function filled(scenario: Scenario): Allocator {
  const allocator = new Allocator({ config: configOf(scenario), namespaces: new Map() });
  for (let index = 0; index < ALLOCATED; index++) allocator.decide(requestOf(scenario, index), 0);
  allocator.commit([]);
  return allocator;
}

function configOf({ addresses, spec }: Scenario) {
  const documents = addresses.map((entry, index) => ({
    apiVersion: 'berth.dev/v1',
    kind: 'IPAddressPool',
    metadata: { name: `pool-${index}` },
    spec: { addresses: [entry], ...spec },
  }));
  const parsed = parsePoolConfig({
    'pools.yaml': documents.map((document) => JSON.stringify(document)).join('\n---\n'),
  });
  if (!parsed.ok) throw new Error(`bench: ${parsed.problems[0]?.message}`);
  return parsed.config;
}

function requestOf({ family = 'IPv4', sharingKey }: Scenario, index: number): ServiceRequest {
  return {
    service: `shop/service-${index}`,
    namespace: 'shop',
    labels: {},
    creationTimestamp: '',
    families: [family],
    familyPolicy: 'SingleStack',
    sharing: { key: sharingKey?.(index) ?? '', ports: [`TCP/${1000 + (index % 2)}`], localSelector: undefined },
    wantedAddresses: [],
    wantedPool: undefined,
    unavailable: undefined,
    leaving: [],
    shownAddresses: NOTHING,
    showsOther: false,
    shownTexts: [],
    given: undefined,
    askedPools: NOTHING_ASKED,
    adopting: [],
    unread: [],
    refusal: undefined,
  };
}

const NOTHING: readonly IpAddress[] = [];
const NOTHING_ASKED: ReadonlyMap<string, string> = new Map();
