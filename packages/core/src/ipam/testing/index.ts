// SPDX-License-Identifier: Apache-2.0
/** What tests of other packages need to drive the allocator: small objects, and a cluster in memory. */
export * from './builders.ts';
export * from './give.ts';
export * from './pass.ts';
export * from './world.ts';
