// SPDX-License-Identifier: Apache-2.0
/**
 * Objects of MetalLB as one more key of the configuration: what is stored as last good is then all that is in force,
 * and speakers read it as they read everything else (docs/design/0060-metallb-objects.md).
 */
import { stringify } from 'yaml';
import { compareText } from '../compare-text.ts';
import type { ConfigMapContent } from './config-keys.ts';
import { EMPTY_ANNOTATION } from './pool-config.ts';

/** Key of the data that holds them; no ConfigMap of a user may have it. */
export const METALLB_OBJECTS_KEY = 'objects.metallb.io.yaml';

/** The apiVersion in which they are read. */
export const METALLB_OBJECTS_VERSION = 'metallb.io/v1beta1';

/** What of an object counts. */
export interface MetallbObject {
  readonly kind: 'IPAddressPool' | 'L2Advertisement';
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
}

/** Returns the objects as YAML documents, by kind and name; empty without any. Equal objects give equal text. */
export function metallbObjectsText(objects: readonly MetallbObject[]): string {
  const sorted = objects.toSorted(
    (a, b) => compareText(a.kind, b.kind) || compareText(a.metadata.name, b.metadata.name),
  );
  return sorted
    .map((object) => stringify(documentOf(object), { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n');
}

/**
 * The ConfigMap of the pools with the objects of this text beside it. `before`: the data that was accepted last.
 * Undefined: neither says anything, or the ConfigMap that was there is missing.
 */
export function joinMetallbObjects(
  before: Readonly<Record<string, string>> = {},
  configMap: ConfigMapContent | undefined,
  text: string,
): ConfigMapContent | undefined {
  if (configMap === undefined) {
    const keys = Object.keys(before);
    if (keys.some((key) => key !== METALLB_OBJECTS_KEY)) return undefined;
    if (text === '') return keys.length === 0 ? undefined : { data: {} };
  }
  const { data = {}, binaryData = {} } = configMap ?? {};
  return { data: text === '' ? data : { ...data, [METALLB_OBJECTS_KEY]: text }, binaryData };
}

// What else is written in metadata is for others, and changes without any meaning for pools.
function documentOf({ kind, metadata, spec }: MetallbObject): unknown {
  const { name, namespace, labels, annotations = {} } = metadata;
  const empty = annotations[EMPTY_ANNOTATION];
  return {
    apiVersion: METALLB_OBJECTS_VERSION,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(labels && { labels }),
      ...(empty !== undefined && { annotations: { [EMPTY_ANNOTATION]: empty } }),
    },
    ...(spec !== undefined && { spec }),
  };
}
