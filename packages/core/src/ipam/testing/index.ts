// SPDX-License-Identifier: Apache-2.0
/**
 * What tests of other packages need: small objects to drive the allocator, a cluster in memory, the state of a node.
 */

export * from '../../doctor/testing/beside.ts';
export * from '../../net/testing.ts';
export * from '../../node-state/testing.ts';
export * from '../../report/testing/sample-cluster.ts';
export { seeded } from '../../spread/testing/seeded.ts';
export * from './builders.ts';
export * from './disagreement.ts';
export * from './give.ts';
export * from './pass.ts';
export * from './world.ts';
