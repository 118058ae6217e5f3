// SPDX-License-Identifier: Apache-2.0
/** Reads conntrack as far as this process may, and prints what was in the way. For conntrack.test.ts. */
import { conntrackObstacleOf, readConntrack } from '@berth/link';

try {
  await readConntrack({ seed: 0n, services: [] });
  console.log('none');
} catch (error) {
  console.log(conntrackObstacleOf(error));
}
