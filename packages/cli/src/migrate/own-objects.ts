// SPDX-License-Identifier: Apache-2.0
/**
 * Has Berth's controller leave MetalLB's objects alone while their documents stand in its ConfigMap: the same pools
 * from two sources are refused (docs/design/0060-metallb-objects.md).
 */
import { argumentOf, containersOf, envOf, type KubeWorkload } from '@berth/core';
import { CommandError } from '../environment.ts';
import { deployments } from '../workloads.ts';
import { objectsIn } from './metallb-source.ts';
import { type Move, placeOf, until } from './move.ts';

const OPTION = 'metallb-namespace';
const VARIABLE = 'METALLB_NAMESPACE';
const OFF = 'off';
/** The annotation of Berth's Deployment with the value before; empty: there was none. */
const BEFORE = 'berth.dev/metallb-namespace-before-move';

/** Does nothing in a cluster without such objects. */
export async function leaveObjectsAlone(move: Move, controller: KubeWorkload): Promise<void> {
  const { api, environment } = move;
  if ((await objectsIn(api)).length === 0) return;
  const [container] = containersOf(controller);
  const argument = container && argumentOf(container, OPTION);
  if (argument !== undefined && argument !== OFF)
    throw new CommandError(`the controller of Berth has --${OPTION}=${argument}: set it to ${OFF}, then try again`);
  const before = container && envOf(container, VARIABLE);
  if (argument === OFF || before === OFF || container?.name === undefined) return;
  const env = [{ name: VARIABLE, value: OFF }];
  await patchEnv(move, controller, { env, container: container.name, before: before ?? '' });
  environment.out(`deployment ${move.cluster.berthNamespace}/${controller.metadata.name} has ${VARIABLE}=${OFF}\n`);
}

/** Has it read them as before the move. */
export async function readObjectsAgain(move: Move, controller: KubeWorkload): Promise<void> {
  const before = controller.metadata.annotations?.[BEFORE];
  const name = containersOf(controller)[0]?.name;
  if (before === undefined || name === undefined) return;
  const env = [before === '' ? { name: VARIABLE, $patch: 'delete' } : { name: VARIABLE, value: before }];
  await patchEnv(move, controller, { env, container: name, before: null });
}

interface EnvPatch {
  readonly env: readonly object[];
  readonly container: string;
  readonly before: string | null;
}

async function patchEnv(move: Move, controller: KubeWorkload, { env, container, before }: EnvPatch): Promise<void> {
  const at = placeOf(controller);
  const body = {
    metadata: { annotations: { [BEFORE]: before } },
    spec: { template: { spec: { containers: [{ name: container, env }] } } },
  };
  await move.api.patch(deployments, at, { type: 'strategic', body });
  await until(move, `Deployment ${at.namespace}/${at.name} is rolled out`, async () => {
    return isRolledOut(await move.api.get(deployments, at));
  });
}

/** Whether all its pods are of the present form and ready; none wanted is so too. */
export function isRolledOut({ metadata, spec, status = {} }: KubeWorkload): boolean {
  const wanted = spec?.replicas ?? 1;
  const { observedGeneration = 0, updatedReplicas = 0, readyReplicas = 0, replicas = 0 } = status;
  const isSeen = observedGeneration >= (metadata.generation ?? 0);
  return isSeen && replicas === wanted && updatedReplicas === wanted && readyReplicas === wanted;
}
