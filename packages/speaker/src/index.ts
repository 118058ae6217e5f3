// SPDX-License-Identifier: Apache-2.0
/** The speaker: a process per node that answers for the VIPs which its node owns. `main.ts` runs it. */
export { type ReadConfig, readConfig, type SpeakerConfig } from './config.ts';
