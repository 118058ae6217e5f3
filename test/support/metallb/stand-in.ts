// SPDX-License-Identifier: Apache-2.0

// A MetalLB that is not there: its CRDs and objects, a Deployment that does nothing where its controller would be, and
// a DaemonSet whose pods answer ARP as its speakers do. Services have their addresses in the status as if its
// controller had written them.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeOciArchive } from '../../../tools/oci-archive.ts';
import type { Lab } from '../../lab/lab.ts';
import { rolledOut } from '../../lab/rollout.ts';
import { run } from '../../lab/run.ts';
import { applyObjects } from '../workload.ts';

const IMAGE = 'localhost/metallb/speaker:lab';
const NAMESPACE = 'metallb-system';
const SOURCE = join(import.meta.dirname, 'speaker.c');
const WORK = 'build/metallb';

export interface StandIn {
  /** Addresses of Services, by their names. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Range of the pool. */
  readonly range: string;
}

/** Installs it; each address is answered by one node, in turn. Resolves when all its pods run. */
export async function installMetallb(lab: Lab, { addresses, range }: StandIn): Promise<void> {
  await lab.load(await imageArchive());
  const crds = [crd('IPAddressPool', 'ipaddresspools'), crd('L2Advertisement', 'l2advertisements')];
  await applyObjects(lab, ...crds, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  await lab.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  await applyObjects(
    lab,
    object('IPAddressPool', 'lan', { addresses: [range] }),
    object('L2Advertisement', 'all', {}),
    controller(),
    speaker([...addresses.values()], lab),
  );
  for (const workload of ['deployment/controller', 'daemonset/speaker']) await rolledOut(lab, workload, NAMESPACE);
}

/** Writes the address into the status of a Service, as MetalLB's controller does. */
export function giveAddress(lab: Lab, service: string, ip: string): Promise<string> {
  const patch = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip }] } } });
  const how = ['--subresource=status', '--field-manager=controller', '--type=merge'];
  return lab.kubectl(['patch', 'service', service, ...how, '-p', patch]);
}

async function imageArchive(): Promise<string> {
  await mkdir(WORK, { recursive: true });
  const root = await mkdtemp(join(WORK, 'root-'));
  try {
    const flags = ['-std=gnu17', '-Wall', '-Wextra', '-Werror', '-O2', '-static', '-s'];
    await run(['gcc', ...flags, '-o', join(root, 'speaker'), SOURCE]);
    const output = join(WORK, 'speaker.tar');
    const config = { Entrypoint: ['/speaker'], User: '0' };
    await writeOciArchive({ reference: IMAGE, rootFolder: root, output, config, compression: 'none' });
    return output;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

function crd(kind: string, plural: string): object {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.metallb.io` },
    spec: {
      group: 'metallb.io',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      scope: 'Namespaced',
      versions: [{ name: 'v1beta1', served: true, storage: true, schema }],
    },
  };
}

function object(kind: string, name: string, spec: object): object {
  return { apiVersion: 'metallb.io/v1beta1', kind, metadata: { name, namespace: NAMESPACE }, spec };
}

/** It only has to be there and to be scaled: what it would write stands in the statuses already. */
function controller(): object {
  const labels = { app: 'metallb', component: 'controller' };
  const container = {
    ...{ name: 'controller', image: 'localhost/agnhost:lab', imagePullPolicy: 'Never', args: ['pause'] },
  };
  return workload('Deployment', 'controller', labels, {
    spec: { containers: [container], terminationGracePeriodSeconds: 0 },
  });
}

function speaker(addresses: readonly string[], { nodes }: Lab): object {
  const args = addresses.map((address, index) => `${address}=${nodes[index % nodes.length]}`);
  const container = {
    ...{ name: 'speaker', image: IMAGE, imagePullPolicy: 'Never', args },
    env: [{ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
    securityContext: { capabilities: { drop: ['ALL'], add: ['NET_RAW'] } },
  };
  // As MetalLB's manifests have it.
  const pod = { hostNetwork: true, terminationGracePeriodSeconds: 2, containers: [container] };
  return workload('DaemonSet', 'speaker', { app: 'metallb', component: 'speaker' }, { spec: pod });
}

function workload(kind: string, name: string, labels: Readonly<Record<string, string>>, template: object): object {
  return {
    ...{ apiVersion: 'apps/v1', kind, metadata: { name, namespace: NAMESPACE, labels } },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, ...template } },
  };
}
