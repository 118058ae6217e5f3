// SPDX-License-Identifier: Apache-2.0

// One Service created, until its address is in the status, and until the first curl from the LAN succeeds.
//
// Yardsticks of the same run: two writes to the API server (create a Service, patch its status), which is the least
// that any controller needs; and a NodePort Service from creation to the first connect, which is what kube-proxy alone
// needs.

import { type KubeApi, type Service, services } from '@berth/kube';
import { FirstConnect } from '../test/support/first-connect.ts';
import { webService } from '../test/support/workload.ts';
import { type BenchLab, onBenchLab } from './berth-lab.ts';
import { type BenchOptions, type BenchReport, figure, thisMachine } from './report.ts';

const DEFAULT_ROUNDS = 30;
const WAIT_MS = 30_000;

interface Samples {
  address: number[];
  firstCurl: number[];
  bareWrites: number[];
  nodePort: number[];
}

export async function run(options: BenchOptions): Promise<BenchReport> {
  const rounds = options.rounds ?? DEFAULT_ROUNDS;
  const pools = (lab: BenchLab['lab']) => lab.plan.pools.slice(0, 1);
  const samples = await onBenchLab({ pools, progress: options.progress }, (bench) => measure(bench, rounds, options));
  return {
    bench: 'create',
    scenario: 'one Service at a time, pods ready',
    machine: thisMachine(),
    rounds,
    figures: [
      figure({
        name: 'create to address in the status',
        unit: 'ms',
        samples: samples.address,
        yardstick: { name: 'create and patch by hand', samples: samples.bareWrites },
        target: { on: 'median', atMost: 30 },
      }),
      figure({
        name: 'create to first connect from the LAN',
        unit: 'ms',
        samples: samples.firstCurl,
        yardstick: { name: 'NodePort Service', samples: samples.nodePort },
        target: { on: 'median', atMost: 300 },
      }),
    ],
  };
}

async function measure({ lab, client }: BenchLab, rounds: number, { progress }: BenchOptions): Promise<Samples> {
  const samples: Samples = { address: [], firstCurl: [], bareWrites: [], nodePort: [] };
  const connector = await FirstConnect.start(lab.namespaceOf('client'));
  const [node] = lab.plan.hosts.filter(({ name }) => name === 'node-1');
  const nodeAddress = node?.addresses[0] ?? '';
  // The first round warms connections and caches and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    progress(`round ${round} of ${rounds}`);
    const loadBalancer = await timeLoadBalancer(client, connector, `lb-${round}`);
    const bareWrites = await timeBareWrites(client, `bare-${round}`);
    const nodePort = await timeNodePort(client, connector, { name: `np-${round}`, nodeAddress });
    if (round === 0) continue;
    samples.address.push(loadBalancer.address);
    samples.firstCurl.push(loadBalancer.firstCurl);
    samples.bareWrites.push(bareWrites);
    samples.nodePort.push(nodePort);
  }
  await connector.stop();
  return samples;
}

async function timeLoadBalancer(
  client: KubeApi,
  connector: FirstConnect,
  name: string,
): Promise<{ address: number; firstCurl: number }> {
  const assigned = await watchForAddress(client, name);
  const startMs = performance.now();
  await client.create(services, webService(name) as Service);
  const address = await assigned.address;
  const addressMs = performance.now() - startMs;
  await connector.to(address, 80);
  const firstCurl = performance.now() - startMs;
  await client.delete(services, { namespace: 'default', name });
  return { address: addressMs, firstCurl };
}

/** Starts to watch a Service that does not exist yet; `address` resolves when its status holds one. */
async function watchForAddress(client: KubeApi, name: string): Promise<{ address: Promise<string> }> {
  const fieldSelector = `metadata.name=${name}`;
  const { resourceVersion } = await client.list(services, { namespace: 'default', fieldSelector });
  const events = client.watch(services, {
    namespace: 'default',
    fieldSelector,
    resourceVersion,
    timeoutSeconds: WAIT_MS / 1000,
  });
  return { address: firstAddress(events, name) };
}

async function firstAddress(events: ReturnType<KubeApi['watch']>, name: string): Promise<string> {
  for await (const event of events) {
    if (event.type === 'BOOKMARK') continue;
    const ip = (event.object as Service).status?.loadBalancer?.ingress?.[0]?.ip;
    if (ip !== undefined) return ip;
  }
  throw new Error(`bench: Service ${name}: no address within ${WAIT_MS} ms`);
}

async function timeBareWrites(client: KubeApi, name: string): Promise<number> {
  // A foreign class: Berth leaves it alone.
  const spec = { loadBalancerClass: 'example.com/by-hand' };
  const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } };
  const startMs = performance.now();
  await client.create(services, webService(name, spec) as Service);
  await client.patch(
    services,
    { namespace: 'default', name },
    { type: 'merge', body: { status } },
    { subresource: 'status' },
  );
  const elapsedMs = performance.now() - startMs;
  await client.delete(services, { namespace: 'default', name });
  return elapsedMs;
}

async function timeNodePort(
  client: KubeApi,
  connector: FirstConnect,
  { name, nodeAddress }: { name: string; nodeAddress: string },
): Promise<number> {
  const startMs = performance.now();
  const created = await client.create(services, webService(name, { type: 'NodePort' }) as Service);
  await connector.to(nodeAddress, created.spec?.ports?.[0]?.nodePort ?? 0);
  const elapsedMs = performance.now() - startMs;
  await client.delete(services, { namespace: 'default', name });
  return elapsedMs;
}
