// SPDX-License-Identifier: Apache-2.0
/**
 * The start of a speaker: what it must know comes from the API server. Where that does not answer, it comes from the
 * file in which the speaker before wrote what it knew; the keys come from the Secret as the kubelet has mounted it,
 * since no secret is ever written to a disk from here.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type Log, sleep } from '@berth/runtime';
import type { EndpointWatch } from './endpoint-watch.ts';
import type { HeartbeatCredentials, SecretValues } from './heartbeat-credentials.ts';
import type { SavedState } from './saved-state.ts';
import type { StateFile } from './state-file.ts';
import type { Watches } from './watches.ts';

/**
 * How long the API server may take to say everything before the file is used, in milliseconds: longer than a list of
 * 10,000 Services takes. Peers have taken this node's VIPs over by now, where there are any.
 */
const PATIENCE_MS = 3_000;

export interface RememberedStartParts {
  readonly watches: Watches;
  readonly endpoints: EndpointWatch;
  readonly credentials: HeartbeatCredentials;
  /** Undefined where no folder was given for it. */
  readonly file: Pick<StateFile, 'read'> | undefined;
  /** Where the Secret is mounted. */
  readonly keyFolder: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Resolves when the cluster is known, with the source of that knowledge. */
export async function knowCluster(parts: RememberedStartParts): Promise<'api' | 'file'> {
  const { watches, credentials, clock, log } = parts;
  const fromApi = Promise.all([watches.ready, credentials.ready]).then(() => 'api' as const);
  const patience = new AbortController();
  const first = await Promise.race([fromApi, sleep(clock, PATIENCE_MS, patience.signal).then(() => undefined)]);
  patience.abort();
  if (first !== undefined || parts.file === undefined) return first ?? fromApi;
  const missing = credentials.missing ?? 'Services, Nodes and configuration';
  log.info('the API server has not answered everything yet: looking for the saved state', {
    missing,
    afterMs: PATIENCE_MS,
  });
  const saved = await parts.file.read();
  const keys = saved && (await readKeys(parts.keyFolder));
  if (saved === undefined) return fromApi;
  if (keys === undefined) {
    log.warn('the saved state cannot be used without the mounted heartbeat secret', { folder: parts.keyFolder });
    return fromApi;
  }
  remember(parts, saved, keys);
  return 'file';
}

function remember(
  { watches, endpoints, credentials, log }: RememberedStartParts,
  saved: SavedState,
  keys: SecretValues,
) {
  credentials.remember(saved.clusterId, keys);
  // Where none were saved none are known, and nothing waits for them: other VIPs must be answered.
  endpoints.remember(saved.slices ?? []);
  watches.remember(saved);
  log.warn('started from the saved state, until the API server answers', {
    services: saved.services.length,
    nodes: saved.nodes.length,
  });
}

// The kubelet names each file after its key in the Secret.
async function readKeys(folder: string | undefined): Promise<SecretValues | undefined> {
  if (folder === undefined) return undefined;
  const [current, previous] = await Promise.all(
    ['current', 'previous'].map((name) => readFile(join(folder, name)).catch(() => undefined)),
  );
  return current === undefined ? undefined : { current, previous };
}
