// SPDX-License-Identifier: Apache-2.0

// One file for `kubectl apply -f`: the objects of the base as kustomize makes them, with the image of the release.

import { stringify } from 'yaml';
import { commonLabels, isNamespaced, type KubernetesObject, readFileObjects, readKustomization } from './base.ts';
import type { Workload } from './chart-values.ts';

/** The text of install.yaml. `image` is a whole reference, with tag or digest. */
export async function installYaml(image: string): Promise<string> {
  const kustomization = await readKustomization();
  const pairs = commonLabels(kustomization);
  const objects = (await Promise.all(kustomization.resources.map(readFileObjects))).flat();
  const documents = objects.map((object) =>
    stringify(placed(object, { pairs, image, namespace: kustomization.namespace })),
  );
  return documents.join('---\n');
}

interface Placing {
  readonly pairs: Readonly<Record<string, string>>;
  readonly image: string;
  readonly namespace: string;
}

function placed(object: KubernetesObject, { pairs, image, namespace }: Placing): KubernetesObject {
  if (isNamespaced(object)) object.metadata.namespace = namespace;
  object.metadata.labels = { ...object.metadata.labels, ...pairs };
  if (object.kind === 'Deployment' || object.kind === 'DaemonSet')
    for (const container of (object as Workload).spec.template.spec.containers) container.image = image;
  return object;
}
