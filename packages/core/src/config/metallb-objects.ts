// SPDX-License-Identifier: Apache-2.0
/**
 * Objects of MetalLB as one more key of the configuration: what is stored as last good is then all that is in force,
 * and speakers read it as they read everything else (docs/design/0060-metallb-objects.md).
 */
import { stringify } from 'yaml';
import { compareText } from '../compare-text.ts';
import { EMPTY_ANNOTATION } from './pool-config.ts';

/** Key of the data that holds them; no ConfigMap of a user may have it. */
export const METALLB_OBJECTS_KEY = 'objects.metallb.io.yaml';

/** Key of the ConfigMap of the pools under which `kubectl berth migrate metallb` puts MetalLB's documents. */
export const MOVED_KEY = 'metallb.yaml';

/** The apiVersion in which they are read. */
export const METALLB_OBJECTS_VERSION = 'metallb.io/v1beta1';

/** Stands between two documents of {@link metallbObjectsText}. */
export const DOCUMENT_SEPARATOR = '---\n';

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
    .join(DOCUMENT_SEPARATOR);
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
