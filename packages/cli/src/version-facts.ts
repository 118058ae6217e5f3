// SPDX-License-Identifier: Apache-2.0
/** Which version of Berth runs where. */
import { type KubeApi, type Pod, pods } from '@berth/kube';
import manifest from '../package.json' with { type: 'json' };
import { listAll } from './cluster-state.ts';

/** Version of this program. */
export const CLIENT_VERSION: string = manifest.version;

const COMPONENT = 'app.kubernetes.io/component';
const VERSION = 'app.kubernetes.io/version';
const COMPONENTS: readonly string[] = ['controller', 'speaker'];

export interface PodVersion {
  readonly pod: string;
  readonly component: string;
  /** Empty where it is on none yet. */
  readonly node: string;
  /** Undefined where neither a label nor the tag of the image tells. */
  readonly version: string | undefined;
  readonly image: string;
  readonly isReady: boolean;
}

/** The pods of Berth, in the order of component, node and name. */
export async function berthPods(api: KubeApi, namespace: string): Promise<Pod[]> {
  const all = await listAll(api, pods, namespace);
  return all
    .filter(({ metadata }) => COMPONENTS.includes(metadata.labels?.[COMPONENT] ?? ''))
    .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
}

function placeOf({ metadata, spec }: Pod): string {
  return [metadata.labels?.[COMPONENT], spec?.nodeName, metadata.name].join('\n');
}

export function versionOf({ metadata, spec, status }: Pod): PodVersion {
  const component = metadata.labels?.[COMPONENT] ?? '';
  const image = spec?.containers.find(({ name }) => name === component)?.image ?? spec?.containers[0]?.image ?? '';
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return {
    ...{ pod: metadata.name, component, node: spec?.nodeName ?? '', image, isReady: ready?.status === 'True' },
    version: metadata.labels?.[VERSION] ?? tagOf(image),
  };
}

/** The tag of `host:5000/berth:0.1.0@sha256:...`; undefined where there is none. */
export function tagOf(image: string): string | undefined {
  const [name = ''] = image.split('@');
  const [, tag] = name.slice(name.lastIndexOf('/') + 1).split(':');
  return tag === '' ? undefined : tag;
}
