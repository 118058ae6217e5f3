// SPDX-License-Identifier: Apache-2.0
/**
 * What files say about a MetalLB, as `kubectl get -o yaml` or a repository has it; and what of any such objects Berth
 * has a counterpart for.
 */
import { isObject } from './is-object.ts';
import type { MetallbObject } from './metallb-objects.ts';
import { ReadingBudget } from './reading-budget.ts';
import { MAX_TEXT_CHARACTERS, readYaml } from './yaml-documents.ts';

const GROUP = /^metallb\.io\//;
/** Kinds by which MetalLB tells what it does: nothing that anybody wrote. */
const REPORTS = new Set(['ServiceL2Status', 'ServiceBGPStatus', 'ConfigurationState', 'BGPSessionStatus']);

/** Something of MetalLB that Berth has no counterpart for. */
export interface WithoutCounterpart {
  readonly kind: string;
  readonly name: string;
}

export interface MetallbFiles {
  readonly configuration: readonly MetallbObject[];
  readonly without: readonly WithoutCounterpart[];
}

/** All objects of MetalLB in the texts, also those in a List; what is no YAML or of another product is left out. */
export function readMetallbFiles(texts: readonly string[]): MetallbFiles {
  const documents = texts.flatMap((text) => readYaml(text, new ReadingBudget(MAX_TEXT_CHARACTERS)).documents);
  return sortMetallb(documents.flatMap(({ value }) => itemsOf(value)));
}

/** Sorts objects of MetalLB by whether Berth reads their kind. */
export function sortMetallb(objects: readonly unknown[]): MetallbFiles {
  const configuration: MetallbObject[] = [];
  const without: WithoutCounterpart[] = [];
  for (const object of objects) {
    if (!isObject(object) || !GROUP.test(String(object.apiVersion)) || !isObject(object.metadata)) continue;
    const kind = String(object.kind);
    const name = String(object.metadata.name);
    if (kind === 'IPAddressPool' || kind === 'L2Advertisement')
      configuration.push({ kind, metadata: { ...labelsOf(object.metadata), name }, spec: object.spec });
    else if (!REPORTS.has(kind)) without.push({ kind, name });
  }
  return { configuration, without };
}

function itemsOf(value: unknown): readonly unknown[] {
  return isObject(value) && Array.isArray(value.items) ? (value.items as readonly unknown[]) : [value];
}

function labelsOf({ labels }: Record<string, unknown>): Pick<MetallbObject['metadata'], 'labels'> {
  if (!isObject(labels)) return {};
  return { labels: Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)])) };
}
