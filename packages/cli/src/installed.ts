// SPDX-License-Identifier: Apache-2.0
/** What is said where nothing of Berth is there: every other answer would follow from that. */
import {
  type DatedReport,
  INSTALL_COMMAND,
  isInstalled,
  type KubeLease,
  type KubeWorkload,
  nodeReportsOf,
} from '@berth/core';
import { isKubeError, type KubeApi, type KubeObject, leases, type Resource } from '@berth/kube';
import { listAll } from './cluster-state.ts';
import { CommandError, type Environment } from './environment.ts';
import type { ClusterOptions } from './operation.ts';
import { daemonSets, deployments } from './workloads.ts';

const NAME_LABEL = 'app.kubernetes.io/name';
const PAGE = 'docs/install/README.md';

/** What is known of Berth by its Leases. */
interface Heard {
  readonly reports: readonly DatedReport[];
  readonly leases: readonly KubeLease[];
}

/** That nothing of Berth is there. */
export interface Absence {
  /** One line without an end, with the command. */
  readonly text: string;
  /** Installs it, or looks where it is instead. */
  readonly command: string;
}

/** Undefined: something of it is there. DaemonSets and Deployments are asked for only where no Lease tells. */
async function absenceOf(heard: Heard, api: KubeApi, { berthNamespace }: ClusterOptions): Promise<Absence | undefined> {
  const isThere = (objects: Workloads) =>
    isInstalled({ reports: heard.reports, objects: { berthNamespace, leases: heard.leases } }, objects);
  if (isThere({ daemonSets: [], deployments: [] })) return undefined;
  const workloads = await readWorkloads(api);
  if (workloads === undefined)
    return toInstall(`no part of Berth has said anything in namespace ${berthNamespace}: where it is not installed,`);
  if (isThere(workloads)) return undefined;
  const elsewhere = workloads.daemonSets.find(({ metadata }) => metadata.labels?.[NAME_LABEL] === 'berth');
  const { namespace = berthNamespace } = elsewhere?.metadata ?? {};
  const text = `Berth is not installed in namespace ${berthNamespace}`;
  if (namespace === berthNamespace) return toInstall(`${text}:`);
  const option = `--berth-namespace ${namespace}`;
  return { text: `${text} but in ${namespace}: add ${option}`, command: `kubectl berth status ${option}` };
}

function toInstall(text: string): Absence {
  return { text: `${text} ${INSTALL_COMMAND} installs it (${PAGE})`, command: INSTALL_COMMAND };
}

/** The same by the reports that were read. */
export async function lookForBerth(
  reports: readonly DatedReport[],
  api: KubeApi,
  cluster: ClusterOptions,
): Promise<Absence | undefined> {
  if (reports.length > 0) return undefined;
  return absenceOf({ reports, leases: await listAll(api, leases, cluster.berthNamespace) }, api, cluster);
}

/** The same where nothing was read yet. */
export async function absenceNow(
  api: KubeApi,
  cluster: ClusterOptions,
  { clock }: Pick<Environment, 'clock'>,
): Promise<Absence | undefined> {
  const all = await listAll(api, leases, cluster.berthNamespace);
  return absenceOf({ reports: nodeReportsOf(all, clock.date().getTime()), leases: all }, api, cluster);
}

/** Ends a command that has nothing to act on where Berth is not installed. */
export async function refuseWithoutBerth(...heard: Parameters<typeof lookForBerth>): Promise<void> {
  const absence = await lookForBerth(...heard);
  if (absence !== undefined) throw new CommandError(absence.text);
}

/** Ends a command that only speakers can carry out where none reports. */
export async function refuseWithoutSpeaker(...heard: Parameters<typeof lookForBerth>): Promise<void> {
  const [reports] = heard;
  if (reports.some(({ freshness }) => freshness === 'fresh')) return;
  await refuseWithoutBerth(...heard);
  throw new CommandError('no speaker reports; kubectl berth doctor says what is missing');
}

interface Workloads {
  readonly daemonSets: readonly KubeWorkload[];
  readonly deployments: readonly KubeWorkload[];
}

/** Undefined: they may not be read. */
async function readWorkloads(api: KubeApi): Promise<Workloads | undefined> {
  const read = <T extends KubeObject>(kind: Resource<T>) => listAll(api, kind);
  try {
    const [sets, all] = await Promise.all([read(daemonSets), read(deployments)]);
    return { daemonSets: sets, deployments: all };
  } catch (error) {
    if (isKubeError(error, 'forbidden')) return undefined;
    throw error;
  }
}
