// SPDX-License-Identifier: Apache-2.0
/** How long an end may take, and a hang. */

/**
 * Longest time that the orderly end of the process may take, in milliseconds: a node that leaves may wait for another
 * that can take its VIPs. More than membership waits, less than terminationGracePeriodSeconds of
 * manifests/speaker.yaml.
 */
export const END_WITHIN_MS = 25_000;

/**
 * An event loop that does nothing for so long, in seconds, hangs for good; others have taken over after a fraction of a
 * second.
 */
export const HUNG_SECONDS = 30;
