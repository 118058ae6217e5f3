// SPDX-License-Identifier: Apache-2.0

// How long a client on the LAN cannot connect when something happens to the node that answers for its Service. The client begins a
// connect every 5 ms; a figure is the longest time between two successes. Speakers find owners by heartbeats.

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '../test/lab/lab.ts';
import { waitUntil } from '../test/lab/wait.ts';
import { startConnectProbe } from '../test/support/connect-probe.ts';
import {
  applyObjects,
  BERTH_NAMESPACE,
  waitForAnswer,
  waitForExternalIp,
  webService,
  whoAnswers,
} from '../test/support/workload.ts';
import { onBenchLab } from './berth-lab.ts';
import { type BenchOptions, type BenchReport, type Figure, figure, type Target, thisMachine } from './report.ts';

const DEFAULT_ROUNDS = 10;
const CONNECT_EVERY_MS = 5;
const CONNECT_TIMEOUT_MS = 150;
/** Before the fault, so that the probe and the client's neighbor entry are warm; after it, until all has settled. */
const WARM_MS = 500;
const WATCH_MS = 2000;

interface Scenario {
  readonly about: string;
  readonly target: Target;
  /** Environment of the speakers beyond the defaults. */
  readonly tuning?: Readonly<Record<string, string>>;
  inflict(lab: Lab, owner: string): Promise<unknown>;
  /** Puts things right again and waits until the node takes part. */
  repair(lab: Lab, owner: string): Promise<unknown>;
}

const TUNED = { HEARTBEAT_MS: '10', DEAD_AFTER_MS: '70' };
const NO_FAILURE: Target = { on: 'worst', atMost: CONNECT_TIMEOUT_MS };

const cable = {
  inflict: (lab: Lab, owner: string) => lab.cable(owner, 'down'),
  repair: (lab: Lab, owner: string) => lab.cable(owner, 'up'),
};

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  cable: { about: 'cable of the owner pulled', target: { on: 'median', atMost: 250 }, ...cable },
  'cable-tuned': {
    about: 'cable of the owner pulled, tuned to 10 ms and 70 ms',
    target: { on: 'worst', atMost: 100 },
    tuning: TUNED,
    ...cable,
  },
  kill: {
    about: 'speaker killed',
    target: { on: 'median', atMost: 250 },
    inflict: (lab, owner) => lab.kill(owner),
    repair: (lab) => speakersReady(lab),
  },
  freeze: {
    about: 'speaker stopped with SIGSTOP',
    target: { on: 'worst', atMost: 300 },
    inflict: (lab, owner) => lab.freeze(owner),
    repair: (lab, owner) => lab.thaw(owner),
  },
  terminate: {
    about: 'speaker asked to end',
    target: NO_FAILURE,
    inflict: (lab, owner) => deleteSpeaker(lab, owner),
    repair: (lab) => speakersReady(lab),
  },
};

export async function run(options: BenchOptions): Promise<BenchReport> {
  const rounds = options.rounds ?? DEFAULT_ROUNDS;
  const chosen = scenariosNamed(options.scenario);
  const pools = (lab: Lab) => lab.plan.pools.slice(0, 1);
  const figures = await onBenchLab({ pools, progress: options.progress }, ({ lab }) =>
    measureAll(lab, chosen, { ...options, rounds }),
  );
  return { bench: 'failover', scenario: options.scenario ?? 'all', machine: thisMachine(), rounds, figures };
}

function scenariosNamed(name: string | undefined): readonly Scenario[] {
  if (name === undefined) return Object.values(SCENARIOS);
  const scenario = SCENARIOS[name];
  if (scenario) return [scenario];
  throw new Error(`bench: --scenario: found '${name}', want one of ${Object.keys(SCENARIOS).join(', ')}`);
}

async function measureAll(
  lab: Lab,
  scenarios: readonly Scenario[],
  options: BenchOptions & { rounds: number },
): Promise<Figure[]> {
  await applyObjects(lab, heartbeatSecret(), webService('failover'));
  const address = await waitForExternalIp(lab, 'failover');
  const figures: Figure[] = [];
  for (const scenario of scenarios) {
    await useHeartbeats(lab, scenario.tuning ?? {});
    await waitForAnswer(lab, `http://${address}/hostname`);
    const gaps: number[] = [];
    const failed: number[] = [];
    for (let round = 1; round <= options.rounds; round += 1) {
      options.progress(`${scenario.about}: round ${round} of ${options.rounds}`);
      const outage = await measure(lab, address, scenario);
      gaps.push(outage.longestGapMs);
      failed.push(outage.failed);
    }
    figures.push(figure({ name: scenario.about, unit: 'ms', samples: gaps, target: scenario.target }));
    const target = scenario.target === NO_FAILURE ? { target: { on: 'worst' as const, atMost: 0 } } : {};
    figures.push(figure({ name: '  failed connects', unit: 'count', samples: failed, ...target }));
  }
  return figures;
}

async function measure(lab: Lab, address: string, scenario: Scenario) {
  const owner = await ownerOf(lab, address);
  const probe = await startConnectProbe({
    namespace: lab.namespaceOf('client'),
    address,
    port: 80,
    intervalMs: CONNECT_EVERY_MS,
    timeoutMs: CONNECT_TIMEOUT_MS,
  });
  await delay(WARM_MS);
  await scenario.inflict(lab, owner);
  await delay(WATCH_MS);
  const outage = await probe.stop();
  await scenario.repair(lab, owner);
  await delay(WATCH_MS);
  return outage;
}

/** The node that answers for the address; waits until it is exactly one. */
async function ownerOf(lab: Lab, address: string): Promise<string> {
  let owner: string | undefined;
  await waitUntil({
    what: `one owner of ${address}`,
    timeoutMs: 20_000,
    probe: async () => {
      const answerers = await whoAnswers(lab, address);
      owner = answerers.length === 1 ? answerers[0]?.host : undefined;
      return owner !== undefined;
    },
  });
  return owner ?? '';
}

function heartbeatSecret(): object {
  const stringData = { current: randomBytes(24).toString('hex') };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'heartbeat', namespace: BERTH_NAMESPACE }, stringData };
}

/** Switches all speakers to heartbeats with these times, and waits until they run. */
async function useHeartbeats(lab: Lab, tuning: Readonly<Record<string, string>>): Promise<void> {
  const defaults = { MEMBERSHIP: 'heartbeats', HEARTBEAT_MS: '25', DEAD_AFTER_MS: '200' };
  const env = Object.entries({ ...defaults, ...tuning }).map(([name, value]) => ({ name, value }));
  const volumeMounts = [{ name: 'heartbeat', mountPath: '/etc/berth/heartbeat', readOnly: true }];
  const spec = {
    volumes: [{ name: 'heartbeat', secret: { secretName: 'heartbeat' } }],
    containers: [{ name: 'speaker', env, volumeMounts }],
  };
  const patch = JSON.stringify({ spec: { template: { spec } } });
  await lab.kubectl(['-n', BERTH_NAMESPACE, 'patch', 'daemonset', 'speaker', '--type=strategic', '-p', patch]);
  await speakersReady(lab);
}

function speakersReady(lab: Lab): Promise<string> {
  return lab.kubectl(['-n', BERTH_NAMESPACE, 'rollout', 'status', 'daemonset/speaker', '--timeout=120s']);
}

function deleteSpeaker(lab: Lab, node: string): Promise<string> {
  const selectors = ['--field-selector', `spec.nodeName=${node}`, '-l', 'app.kubernetes.io/component=speaker'];
  return lab.kubectl(['-n', BERTH_NAMESPACE, 'delete', 'pod', ...selectors, '--wait=false']);
}
