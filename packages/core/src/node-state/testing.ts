// SPDX-License-Identifier: Apache-2.0
/** The state of a node that has nothing to tell yet, for tests that change a part of it. */
import type { NodeState } from './node-state.ts';

export const IDLE_NODE_STATE: NodeState = {
  bootId: '0123456789abcdef',
  engine: 'kernel',
  transport: 'multicast',
  keys: { newest: '1dfbbaab', signing: '1dfbbaab' },
  ineligible: '',
  fitness: 'fit',
  segments: [],
  owned: [],
  leftOut: 0,
  conflicts: [],
  unreachable: [],
  notAnnounced: [],
  orders: [],
};
