// SPDX-License-Identifier: Apache-2.0

// What a cluster of `burst` has in every scenario.

/** Room for all of its Services. */
export const POOL = '10.200.0.0/16';
/** Class of the Services that Berth leaves alone. */
export const FOREIGN_CLASS = 'example.com/by-hand';
