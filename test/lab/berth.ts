// SPDX-License-Identifier: Apache-2.0

// Installs Berth from this tree on a lab, the way a user would: image, then
// `kubectl apply -k manifests/`.

import { join } from 'node:path';
import { buildImage } from '../../tools/image.ts';
import type { Lab } from './lab.ts';
import { withLock } from './lock.ts';
import { rolledOut } from './rollout.ts';

const TREE = join(import.meta.dirname, '..', '..');
const NAMESPACE = 'berth-system';

/** Builds the image and returns the path of its archive. Two runs build into one folder, so one waits for the other. */
export function labImage(): Promise<string> {
  return withLock(join(TREE, 'build', 'image.lock'), () => buildImage());
}

export interface InstallOptions {
  /** Called with what is being done, one line each. @default silent */
  readonly report?: (line: string) => void;
}

/** Builds the image, loads it into every node, applies the manifests and waits until all pods are ready. */
export async function installBerth(lab: Lab, { report = () => {} }: InstallOptions = {}): Promise<void> {
  report('build the image');
  const archive = await labImage();
  report('load the image into every node');
  await lab.load(archive);
  report('kubectl apply -k manifests/');
  await lab.kubectl(['apply', '-k', join(TREE, 'manifests')]);
  report('wait for controller and speakers');
  await berthRolledOut(lab);
}

/** Waits until all pods of controller and speaker are ready, and new. */
export async function berthRolledOut(lab: Lab, namespace = NAMESPACE): Promise<void> {
  for (const workload of ['deployment/controller', 'daemonset/speaker']) await rolledOut(lab, workload, namespace);
}
