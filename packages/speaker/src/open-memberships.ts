// SPDX-License-Identifier: Apache-2.0
/** Puts membership by heartbeats together: times, keys from the mounted Secret, a packet socket for each segment. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { timingOf } from '@berth/core';
import { errorFields, type Log } from '@berth/daemon';
import { systemClock } from '@berth/kube';
import { HeartbeatSender } from '@berth/link';
import type { SpeakerConfig } from './config.ts';
import { HeartbeatKeys } from './heartbeat-keys.ts';
import type { Lan } from './lan.ts';
import { Memberships } from './memberships.ts';
import { openSegmentSocket } from './segment-socket.ts';

/** A mounted Secret changes within a minute or two; looking this often is enough. */
const REREAD_KEYS_MS = 10_000;
const CLUSTER_ID_BYTES = 8;
const BOOT_ID_BYTES = 8;

export interface MembershipParts {
  readonly config: SpeakerConfig;
  readonly log: Log;
  readonly lan: Lan;
  onOwned(): void;
}

/** Throws when times or keys are wrong: without them this node must not take part. */
export function openMemberships({ config, log, lan, onOwned }: MembershipParts): Memberships {
  const { heartbeats } = config;
  const times = timingOf(heartbeats);
  if (!times.ok) throw new Error(`speaker: heartbeats: ${times.problems.join('; ')}`);
  const thread = HeartbeatSender.open(lan.responder);
  const keys = watchKeys(heartbeats.secretFolder, log);
  const clusterId = createHash('sha256').update(heartbeats.clusterId).digest().subarray(0, CLUSTER_ID_BYTES);
  return new Memberships({
    nodeName: config.nodeName,
    bootId: randomBytes(BOOT_ID_BYTES).toString('hex'),
    timing: times.timing,
    rebalance: heartbeats.rebalance,
    eligibility: { excludeLabel: config.excludeLabel },
    source: { clusterId: clusterId.toString('hex'), keys, nextCounter: () => thread.nextCounter() },
    clock: systemClock,
    answerer: lan.responder,
    thread,
    segments: () => lan.segments(),
    openSocket: ({ ifindex }) => openSegmentSocket(ifindex, systemClock),
    onOwned,
    onAnnounce: () => lan.announcer.restart(),
    onReport: (report, { ifname }) => log.info('membership', { interface: ifname, ...report }),
    onFailed: ({ ifname }, error) =>
      log.warn('heartbeats cannot be sent', { interface: ifname, ...errorFields(error) }),
  });
}

/** The keys of this moment. A change that cannot be read leaves the last good ones in force. */
function watchKeys(folder: string, log: Log): () => HeartbeatKeys {
  const first = readKeys(folder);
  if (!first.ok) throw new Error(`speaker: ${first.problem}`);
  let { keys } = first;
  let readMs = systemClock.now();
  return () => {
    if (systemClock.now() - readMs < REREAD_KEYS_MS) return keys;
    readMs = systemClock.now();
    const again = readKeys(folder);
    if (again.ok) keys = again.keys;
    else log.warn('heartbeat keys cannot be read, the last good ones stay', { problem: again.problem });
    return keys;
  };
}

function readKeys(folder: string): ReturnType<typeof HeartbeatKeys.of> {
  try {
    const previous = readOptional(join(folder, 'previous'));
    return HeartbeatKeys.of({ current: readFileSync(join(folder, 'current')), previous });
  } catch (error) {
    return { ok: false, problem: `heartbeat secret: ${(error as Error).message}` };
  }
}

function readOptional(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    // Only during a rotation is there a previous secret.
    return undefined;
  }
}
