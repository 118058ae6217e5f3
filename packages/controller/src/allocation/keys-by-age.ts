// SPDX-License-Identifier: Apache-2.0
/** The keys of Services, the oldest first: the order in which a full pass looks at them. */
import { keyOf, type Service } from '@berth/kube';

/** In no time stamp, namespace or name, and before all that is. */
const SEPARATOR = ' ';

/**
 * Of the same age by name. Whole texts are sorted, which takes a third of the time that a function takes that compares
 * objects.
 */
export function keysByAge(services: Iterable<Service>): string[] {
  const texts = Array.from(services, (one) => (one.metadata.creationTimestamp ?? '') + SEPARATOR + keyOf(one));
  return texts.sort().map((text) => text.slice(text.indexOf(SEPARATOR) + 1));
}
