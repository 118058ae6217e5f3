// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth bundle`: an archive for whoever is to help: the objects that `status`, `explain` and `history` read,
 * the logs of our pods, and what those commands say. Secrets are not even read; of other objects only fields that Berth
 * looks at go in, without values of the environment.
 */
import {
  configMaps,
  endpointSlices,
  events,
  type KubeObject,
  leases,
  messageOf,
  namespaces,
  nodes,
  type Pod,
  type Resource,
  serviceCidrs,
  services,
} from '@berth/kube';
import { type ArchiveFile, archiveOf } from '../bundle/archive.ts';
import {
  configMapFields,
  eventFields,
  isOurEvent,
  isOurMap,
  leaseFields,
  namespaceFields,
  nodeFields,
  podFields,
  secretValues,
  serviceFields,
  sliceFields,
} from '../bundle/fields.ts';
import { redacted } from '../bundle/redact.ts';
import { listAll } from '../cluster-state.ts';
import { CommandError, type Connection, type Environment, EXIT } from '../environment.ts';
import type { Operation } from '../operation.ts';
import { countOf, formatJson } from '../output.ts';
import { printable } from '../printable.ts';
import { berthPods, CLIENT_VERSION, versionOf } from '../version-facts.ts';
import { history } from './history.ts';
import { pools } from './pools.ts';
import { status } from './status.ts';
import { vips } from './vips.ts';

const FOLDER = 'berth-bundle';

type Bundle = Extract<Operation, { kind: 'bundle' }>;

/** What is gathered so far, and what could not be read. */
interface Gathering {
  readonly files: ArchiveFile[];
  readonly missing: { readonly what: string; readonly why: string }[];
}

export async function bundle(operation: Bundle, environment: Environment): Promise<number> {
  const { cluster } = operation;
  const at = environment.clock.date();
  const file = operation.file ?? `${FOLDER}-${at.toISOString().replaceAll(/[-:]|\.\d+/g, '')}.tar`;
  if (environment.writeFile === undefined) throw new CommandError('there is nowhere to write the archive to');
  const connection = await environment.connect(cluster);
  const gathering: Gathering = { files: [], missing: [] };
  const pods = await attempt('pods', gathering, () => berthPods(connection.api, cluster.berthNamespace));
  await addObjects(operation, connection, gathering);
  if (gathering.files.length === 0) throw new CommandError(`nothing could be read: ${gathering.missing[0]?.why ?? ''}`);
  if (pods !== undefined) addFile(gathering, 'objects/pods.json', formatJson(pods.map(podFields)));
  if (operation.logLines > 0) await addLogs(pods ?? [], { operation, connection, gathering });
  await addTexts(operation, environment, gathering);
  const about = {
    ...{ madeAt: at.toISOString(), client: CLIENT_VERSION, node: process.version },
    ...{ berthNamespace: cluster.berthNamespace, loadBalancerClass: cluster.loadBalancerClass },
    ...{ pods: pods?.map(versionOf), missing: gathering.missing },
  };
  addFile(gathering, 'about.json', formatJson(about));
  const secrets = secretValues(pods ?? []);
  const clean = gathering.files.map(({ name, text }) => ({ name, text: redacted(text, secrets) }));
  await environment.writeFile(file, await archiveOf(clean, at));
  for (const { what, why } of gathering.missing) environment.err(`not in it: ${what}: ${why}\n`, 'warning');
  environment.err(
    `${countOf(clean.length, 'file')} in ${file === '-' ? 'the archive' : file}: look through it before you send it\n`,
  );
  return EXIT.ok;
}

function addFile({ files }: Gathering, name: string, text: string): void {
  files.push({ name: `${FOLDER}/${name}`, text });
}

/** The archive says what could not be read; the rest is of use without it. */
async function attempt<T>(what: string, { missing }: Gathering, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    missing.push({ what, why: messageOf(error) });
    return undefined;
  }
}

async function addObjects(
  { cluster: { berthNamespace } }: Bundle,
  { api }: Connection,
  gathering: Gathering,
): Promise<void> {
  const add = async <T extends KubeObject>(
    kind: Resource<T>,
    fields: (object: T) => unknown,
    { namespace, isWanted = () => true }: { namespace?: string; isWanted?: (object: T) => boolean } = {},
  ) => {
    const all = await attempt(kind.plural, gathering, () => listAll(api, kind, namespace));
    if (all === undefined) return;
    addFile(gathering, `objects/${kind.plural}.json`, formatJson(all.filter(isWanted).map(fields)));
  };
  const own = { namespace: berthNamespace };
  await add(services, serviceFields);
  await add(nodes, nodeFields);
  await add(namespaces, namespaceFields);
  await add(endpointSlices, sliceFields);
  await add(leases, leaseFields, own);
  await add(configMaps, configMapFields, { ...own, isWanted: isOurMap });
  await add(events, eventFields, { isWanted: (event) => isOurEvent(event, berthNamespace) });
  await add(serviceCidrs, ({ metadata, spec }) => ({ metadata: { name: metadata.name }, spec }));
}

interface Logs {
  readonly operation: Bundle;
  readonly connection: Connection;
  readonly gathering: Gathering;
}

/** Of each container what it says now, and what it said last before it was started anew. */
async function addLogs(pods: readonly Pod[], { operation, connection, gathering }: Logs): Promise<void> {
  const { logs } = connection;
  if (logs === undefined) return;
  for (const pod of pods)
    for (const { name: container } of pod.spec?.containers ?? []) {
      const restarts = pod.status?.containerStatuses?.find(({ name }) => name === container)?.restartCount ?? 0;
      for (const isPrevious of restarts > 0 ? [false, true] : [false]) {
        const file = `logs/${pod.metadata.name}/${container}${isPrevious ? '.previous' : ''}.log`;
        const options = { container, isPrevious, tailLines: operation.logLines };
        const text = await attempt(file, gathering, () => logs(keyedName(pod), options));
        if (text !== undefined) addFile(gathering, file, text);
      }
    }
}

function keyedName(pod: Pod): { namespace: string; name: string } {
  return { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
}

/** What people would be shown at this moment. */
async function addTexts({ cluster }: Bundle, environment: Environment, gathering: Gathering): Promise<void> {
  const wide = { output: 'wide', isWatching: false, cluster } as const;
  const commands: readonly [name: string, say: (environment: Environment) => Promise<number>][] = [
    ['status', (into) => status({ kind: 'status', ...wide }, into)],
    ['vips', (into) => vips({ kind: 'vips', ...wide }, into)],
    ['pools', (into) => pools({ kind: 'pools', ...wide }, into)],
    [
      'history',
      (into) => history({ kind: 'history', ...wide, about: undefined, namespace: undefined, sinceMs: undefined }, into),
    ],
  ];
  for (const [name, say] of commands) {
    const said: string[] = [];
    const add = (text: string) => said.push(printable(text));
    const { terminal: _, ...rest } = environment;
    await attempt(`${name}.txt`, gathering, () => say({ ...rest, out: add, err: add }));
    addFile(gathering, `${name}.txt`, said.join(''));
  }
}
