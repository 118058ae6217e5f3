// SPDX-License-Identifier: Apache-2.0
/** What is said of a name that is not there: what was meant instead, where that can be seen. */
import { IpAddress, includesAddress, type KubeNode, nearestName, shownAddressesOf } from '@berth/core';
import { isKubeError, type KubeApi, keyOf, type ObjectName, type Service, services } from '@berth/kube';
import { listAll } from './cluster-state.ts';
import { CommandError } from './environment.ts';

/** Most names that an error lists. */
const NAMED = 10;

/** The error for a Service that is not there, by those that are. */
export function noSuchService(key: string, all: readonly Service[]): CommandError {
  return new CommandError(`there is no Service ${key}${serviceHint(key, all)}`);
}

/** The same where the Services are not known yet; who may not list them gets no hint. */
export async function missingService({ namespace = '', name }: ObjectName, api: KubeApi): Promise<CommandError> {
  const all = await listAll(api, services).catch((error: unknown) => {
    if (isKubeError(error, 'forbidden')) return [];
    throw error;
  });
  return noSuchService(`${namespace}/${name}`, all);
}

/** The error for a node that is not there, by those that are. */
export function noSuchNode(node: string, all: Iterable<KubeNode>): CommandError {
  const nodes = [...all];
  const byAddress = nodes.find(({ status }) => status?.addresses?.some(({ address }) => address === node));
  if (byAddress !== undefined)
    return new CommandError(`there is no node ${node}: it is an address of ${byAddress.metadata.name}`);
  const names = nodes.map(({ metadata }) => metadata.name).sort();
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return new CommandError(`there is no node ${node}: the nodes are ${names.slice(0, NAMED).join(', ')}${more}`);
}

/** As kubectl takes it: with or without the kind before it. */
export function nodeName(text: string): string {
  return text.replace(/^nodes?\//, '');
}

function serviceHint(key: string, all: readonly Service[]): string {
  const [namespace = '', name = ''] = key.split('/');
  const address = IpAddress.parse(name);
  if (address.ok) {
    const holders = all.filter((service) => includesAddress(shownAddressesOf(service), address.value)).map(keyOf);
    return holders.length === 0
      ? ': it is an address that no Service has'
      : `: it is the address of ${listOf(holders)}`;
  }
  const elsewhere = all.filter(({ metadata }) => metadata.name === name).map(keyOf);
  if (elsewhere.length > 0) return `: there is ${listOf(elsewhere)}`;
  const near = nearestName(
    name,
    all.filter(({ metadata }) => metadata.namespace === namespace).map(({ metadata }) => metadata.name),
  );
  return near === undefined ? '' : `: there is ${namespace}/${near}`;
}

function listOf(keys: readonly string[]): string {
  const more = keys.length > NAMED ? ` and ${keys.length - NAMED} more` : '';
  return `${keys.slice(0, NAMED).join(', ')}${more}`;
}
