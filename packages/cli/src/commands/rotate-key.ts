// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth rotate-key`: gives the heartbeats a new key. The old one goes to `previous` in the same write, so that
 * nodes which have heard of the new one and nodes which have not understand each other; all sign with the new one as
 * soon as the last node has it.
 */
import { randomBytes } from 'node:crypto';
import { HEARTBEAT_SECRET, isLive, type LiveReport } from '@berth/core';
import { type KubeApi, type Secret, secrets } from '@berth/kube';
import { findObject } from '../cluster-state.ts';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import { refuseWithoutBerth } from '../installed.ts';
import { readReports } from '../node-reports.ts';
import type { Operation } from '../operation.ts';
import { countOf } from '../output.ts';
import { waitFor } from '../waiting.ts';

const KEY_BYTES = 32;

export async function rotateKey(
  operation: Extract<Operation, { kind: 'rotate-key' }>,
  environment: Environment,
): Promise<number> {
  const { cluster, isForced, timeoutSeconds } = operation;
  const { api } = await environment.connect(cluster);
  const read = async () => (await readReports(api, cluster.berthNamespace, environment.clock)).filter(isLive);
  const before = await read();
  await refuseWithoutBerth(before, api, cluster);
  const oldKeys = new Set(before.flatMap(({ state }) => [state.keys.newest, state.keys.signing]));
  if (oldKeys.size > 1 && !isForced)
    throw new CommandError(
      `the nodes have more than one key (${listOf(before)}): a rotation is under way, and a second one now would cut off those that have not heard of the first; --force does it all the same`,
    );
  if (operation.isDryRun) {
    await keyToReplace(api, cluster.berthNamespace);
    environment.out(`${countOf(before.length, 'node')} would get a new key: ${listOf(before)}\n`);
    return EXIT.ok;
  }
  await replaceKey(api, cluster.berthNamespace);
  if (timeoutSeconds === 0) return EXIT.ok;
  const look = async () => {
    const reports = await read();
    return reports.every(({ state }) => isRotated(state.keys, oldKeys)) ? reports : undefined;
  };
  const after = await waitFor(look, { ...environment, timeoutSeconds });
  if (after === undefined)
    throw new CommandError(
      `the key is changed, but not all nodes sign with it yet (${listOf(await read())}); both keys are accepted meanwhile`,
    );
  const verb = after.length === 1 ? 'signs' : 'sign';
  environment.out(`${countOf(after.length, 'node')} ${verb} with the new key: ${listOf(after)}\n`);
  return EXIT.ok;
}

function isRotated({ newest, signing }: LiveReport['state']['keys'], oldKeys: ReadonlySet<string>): boolean {
  return newest !== '' && signing === newest && !oldKeys.has(newest);
}

// With the version that was read, or two rotations at once would lose the key that the nodes sign with.
async function replaceKey(api: KubeApi, namespace: string): Promise<void> {
  const at = { namespace, name: HEARTBEAT_SECRET };
  const { secret, current } = await keyToReplace(api, namespace);
  const data = { previous: current, current: randomBytes(KEY_BYTES).toString('base64') };
  const { resourceVersion } = secret.metadata;
  await api.patch(secrets, at, { type: 'merge', body: { metadata: { resourceVersion }, data } });
}

async function keyToReplace(api: KubeApi, namespace: string): Promise<{ secret: Secret; current: string }> {
  const secret: Secret | undefined = await findObject(api, secrets, { namespace, name: HEARTBEAT_SECRET });
  const current = secret?.data?.current;
  if (secret === undefined || current === undefined)
    throw new CommandError(`there is no Secret ${namespace}/${HEARTBEAT_SECRET} with a key; the controller makes it`);
  return { secret, current };
}

function listOf(reports: readonly LiveReport[]): string {
  return reports.map(({ node, state: { keys } }) => `${node}: ${keys.signing || 'none'}`).join(', ');
}
