// SPDX-License-Identifier: Apache-2.0
/**
 * Objects of MetalLB as the second source of the configuration, beside the ConfigMap. That all objects of a kind are
 * gone is hardly ever meant: so it looks when the CRDs or the namespace are deleted. The last good configuration then
 * stays, until the ConfigMap has documents of these names.
 */
import {
  type ConfigMapContent,
  type ConfigProblem,
  joinMetallbObjects,
  METALLB_OBJECTS_KEY,
  type PoolConfig,
  type ProblemText,
  parsePoolConfig,
  sentenceOf,
} from '@berth/core';

/** Why the objects are not read. */
export type UnreadReason = 'Off' | 'NoCrds' | 'Forbidden' | 'MetallbRuns';

export type MetallbSource =
  /** The objects as documents; empty: there are none. */
  | { readonly kind: 'read'; readonly text: string }
  | { readonly kind: 'unread'; readonly why: UnreadReason }
  /** The API server has not said yet: what was accepted last goes on. */
  | { readonly kind: 'unknown' };

type Data = Readonly<Record<string, string>>;

/** What stands in the way, in words. */
export const UNREAD_WORDS: Readonly<Record<UnreadReason, string>> = {
  Off: 'reading them is switched off',
  NoCrds: 'the CRDs of MetalLB are gone',
  Forbidden: 'the controller may not read them',
  MetallbRuns: "MetalLB's controller is at work: scale its Deployment to 0, or delete it",
};

/** What both sources say together; undefined: neither says anything, or the ConfigMap that was there is missing. */
export function joinSources(
  before: Data | undefined,
  configMap: ConfigMapContent | undefined,
  objects: MetallbSource,
): ConfigMapContent | undefined {
  return joinMetallbObjects(before, configMap, textOf(before, objects));
}

/** A problem where the ConfigMap has the key that is kept for the objects. */
export function reservedKey(configMap: ConfigMapContent | undefined): readonly ConfigProblem[] {
  if (configMap?.data?.[METALLB_OBJECTS_KEY] === undefined) return [];
  const reason = 'it is kept for the objects of MetalLB';
  return [problemOf({ found: `key "${METALLB_OBJECTS_KEY}"`, wanted: 'another name', reason })];
}

/**
 * The problems of objects that were in force and are gone with all of their kind, while the new configuration has
 * nothing of their names.
 */
export function lostObjects(
  before: Data | undefined,
  next: PoolConfig | undefined,
  objects: MetallbSource,
): ConfigProblem[] {
  const had = namesIn(before?.[METALLB_OBJECTS_KEY] ?? '');
  const has = namesIn(textOf(before, objects));
  const kept = namesOf(next);
  return (['IPAddressPool', 'L2Advertisement'] as const).flatMap((kind) => {
    const missing = had[kind].filter((name) => !kept[kind].includes(name));
    if (has[kind].length > 0 || missing.length === 0) return [];
    const reason = objects.kind === 'unread' ? UNREAD_WORDS[objects.why] : 'all of them were deleted';
    const found = `none of the ${kind} objects any more that are in force (${missing.slice(0, 10).join(', ')})`;
    const wanted = `the objects, or documents of these names in the ConfigMap`;
    return [{ ...problemOf({ found, wanted, reason }), object: `${kind} ${missing[0]}` }];
  });
}

function textOf(before: Data | undefined, objects: MetallbSource): string {
  if (objects.kind === 'unknown') return before?.[METALLB_OBJECTS_KEY] ?? '';
  return objects.kind === 'read' ? objects.text : '';
}

function namesIn(text: string) {
  const parsed = text === '' ? undefined : parsePoolConfig({ [METALLB_OBJECTS_KEY]: text }, { extent: 'part' });
  return namesOf(parsed?.ok ? parsed.config : undefined);
}

function namesOf(config: PoolConfig | undefined) {
  const { pools = [], advertisements = [] } = config ?? {};
  return { IPAddressPool: pools.map(({ name }) => name), L2Advertisement: advertisements.map(({ name }) => name) };
}

function problemOf(text: ProblemText): ConfigProblem {
  const { found, wanted } = text;
  const place = { key: METALLB_OBJECTS_KEY, document: 1, line: 1, column: 1, path: '' };
  return { ...place, found, wanted, message: sentenceOf(text) };
}
