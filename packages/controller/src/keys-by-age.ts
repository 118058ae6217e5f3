// SPDX-License-Identifier: Apache-2.0
/** The keys of Services, the oldest first: the order in which a full pass looks at them. */
import { keyOf, type Service } from '@berth/kube';

export function keysByAge(services: Iterable<Service>): string[] {
  const stamp = ({ metadata }: Service) => metadata.creationTimestamp ?? '';
  return [...services].sort((a, b) => (stamp(a) < stamp(b) ? -1 : 1)).map(keyOf);
}
