// SPDX-License-Identifier: Apache-2.0
/**
 * Whether the owner of a VIP serves it alone or every node does: an annotation of the Service, else the policies that
 * apply.
 */
import { type L2Advertisement, SERVE_MODES, type ServeMode } from '../config/pool-config.ts';
import { type Parsed, parsed, unparsed } from '../net/parsed.ts';
import type { Annotations } from './annotations.ts';

/** Ours only. */
export const ANNOTATION_SERVE = 'berth.dev/serve';

/** What the annotation says; undefined when there is none. */
export function readServe(annotations: Annotations): Parsed<ServeMode | undefined> {
  const text = Object.hasOwn(annotations, ANNOTATION_SERVE) ? String(annotations[ANNOTATION_SERVE]).trim() : '';
  if (text === '') return parsed(undefined);
  const mode = SERVE_MODES.find((one) => one === text);
  if (mode) return parsed(mode);
  return unparsed(`annotation ${ANNOTATION_SERVE}: "${text.slice(0, 64)}" is neither ${SERVE_MODES.join(' nor ')}`);
}

/** How a VIP is served. An annotation that cannot be read counts as `owner`: in doubt one node serves. */
export function serveModeOf(annotations: Annotations, policies: readonly L2Advertisement[]): ServeMode {
  const said = readServe(annotations);
  if (!said.ok) return 'owner';
  return said.value ?? (policies.some(({ serve }) => serve === 'every-node') ? 'every-node' : 'owner');
}
