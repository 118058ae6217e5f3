// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth migrate metallb [--apply|--rollback]`: moves a cluster from MetalLB to Berth without a new address for
 * any Service.
 */
import {
  type MetallbPlan,
  metallbOf,
  type PlannedService,
  POOL_CONFIG_MAP,
  planFromMetallb,
  servesSameServices,
  yamlText,
} from '@berth/core';
import { readFacts } from '../cluster-facts.ts';
import { readDoctorObjects } from '../doctor-objects.ts';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import { applyMove } from '../migrate/apply.ts';
import { nothingFound, readMetallb } from '../migrate/metallb-source.ts';
import { rollBack } from '../migrate/rollback.ts';
import type { ClusterOptions, Operation } from '../operation.ts';
import { countOf, printValue } from '../output.ts';

type Migrate = Extract<Operation, { kind: 'migrate metallb' }>;

export async function migrateMetallb(operation: Migrate, environment: Environment): Promise<number> {
  const { cluster, action, files, output, timeoutSeconds } = operation;
  const { api } = await environment.connect(cluster);
  const metallb = metallbOf(await readDoctorObjects(api));
  if (action === 'roll back') {
    if (metallb === undefined) throw new CommandError('MetalLB is not in this cluster any more: there is no way back');
    return rollBack({ api, cluster, environment, metallb, timeoutSeconds });
  }
  if (metallb !== undefined && !servesSameServices(metallb, cluster.loadBalancerClass)) {
    const classText = metallb.loadBalancerClass || 'none';
    throw new CommandError(
      `MetalLB serves the class ${classText} and Berth ${cluster.loadBalancerClass}: install Berth with --load-balancer-class, and name it here`,
    );
  }
  const found = await readMetallb(api, files, environment);
  if (found.configuration.length + found.without.length === 0) throw nothingFound(files);
  const plan = planFromMetallb(await readFacts(api, cluster, environment.clock), found);
  if (!printValue(environment, output, planValue(plan, cluster))) printPlan(plan, operation, environment);
  if (plan.obstacles.length > 0) {
    environment.err(`nothing was changed: ${plan.obstacles.join('; ')}\n`);
    return EXIT.failed;
  }
  if (action === 'plan') return EXIT.ok;
  if (metallb === undefined)
    throw new CommandError('MetalLB does not run in this cluster: apply the ConfigMap instead');
  return applyMove({ api, cluster, environment, metallb, plan, timeoutSeconds });
}

function configMapOf({ data }: MetallbPlan, { berthNamespace: namespace }: ClusterOptions) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: POOL_CONFIG_MAP }, data };
}

function planValue(plan: MetallbPlan, cluster: ClusterOptions): unknown {
  const { services, without, problems, obstacles } = plan;
  const rows = services.map(({ addresses, ...rest }) => ({ ...rest, addresses: addresses.map(String) }));
  return { obstacles, problems, services: rows, without, configMap: configMapOf(plan, cluster) };
}

/** The manifest, with the report in comments: the whole is what `kubectl apply -f` reads. */
function printPlan(plan: MetallbPlan, { action, cluster }: Migrate, { out }: Environment): void {
  const { services, without, problems } = plan;
  for (const problem of problems) out(`# refused: ${problem.replaceAll('\n', '\n#   ')}\n`, 'bad');
  const others = services.filter(({ fate }) => fate !== 'keeps');
  for (const service of others) out(`# ${lineOf(service)}\n`, toneOf(service));
  for (const { kind, name } of without) out(`# no counterpart: ${kind} ${name}\n`, 'warning');
  const keeps = services.length - others.length;
  out(`# ${countOf(keeps, 'Service')} of ${services.length} ${keeps === 1 ? 'keeps its' : 'keep their'} address\n`);
  if (action === 'plan') out(yamlText(configMapOf(plan, cluster)));
}

const WORDS: Readonly<Record<PlannedService['fate'], string>> = {
  'left-alone': 'would be left alone, not announced',
  'not-announced': 'would keep its address, not announced',
  stranded: 'would keep an address that the pools no longer give',
  waiting: 'has no address and gets none',
  gaining: 'gets an address',
  keeps: 'keeps its address',
};

function lineOf({ service, fate, addresses, message }: PlannedService): string {
  return `${service} ${addresses.join(' ') || '-'}: ${WORDS[fate]}: ${message.replaceAll('\n', ' ')}`;
}

function toneOf({ fate }: PlannedService) {
  return fate === 'waiting' ? 'warning' : fate === 'gaining' ? 'good' : 'bad';
}
