// SPDX-License-Identifier: Apache-2.0
/** The two sources of the configuration as one: the ConfigMap of the pools, and objects of MetalLB beside it. */
import type { ConfigMapContent } from './config-keys.ts';
import { readMetallbFiles } from './metallb-files.ts';
import { DOCUMENT_SEPARATOR, METALLB_OBJECTS_KEY, MOVED_KEY } from './metallb-objects.ts';

/**
 * The ConfigMap of the pools with the objects of this text beside it, but for those whose documents it has since the
 * move. `before`: the data that was accepted last. Undefined: neither says anything, or the ConfigMap that was there is
 * missing.
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
  const rest = withoutMoved(text, data[MOVED_KEY]);
  return { data: rest === '' ? data : { ...data, [METALLB_OBJECTS_KEY]: rest }, binaryData };
}

/** What was moved stands in for the object of that kind and name, which is there until its CRD is deleted. */
function withoutMoved(text: string, moved: string | undefined): string {
  if (text === '' || moved === undefined) return text;
  const names = new Set(namesIn(moved));
  return text
    .split(/^---\n/m)
    .filter((document) => !namesIn(document).some((name) => names.has(name)))
    .join(DOCUMENT_SEPARATOR);
}

/** Kind and name of each object; what cannot be read is for the parser of the configuration to refuse. */
function namesIn(text: string): string[] {
  return readMetallbFiles([text]).configuration.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}
