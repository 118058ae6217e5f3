// SPDX-License-Identifier: Apache-2.0
import { apply } from 'json-merge-patch';

/**
 * `target` with a JSON merge patch (RFC 7396) applied; neither is changed. null removes a member, lists are replaced
 * whole.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  return apply(structuredClone(target as object), structuredClone(patch as object));
}
