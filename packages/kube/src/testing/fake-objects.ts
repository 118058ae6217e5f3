// SPDX-License-Identifier: Apache-2.0

/** The objects of the fake API server, with their versions and what happened to them. */

import type { ListOptions, Selection } from '../api.ts';
import { KubeError } from '../errors.ts';
import { type KubeObject, keyOf, type ObjectName } from '../object.ts';
import { pathOf, type Resource } from '../resources.ts';

/** State of a the fake API server at some time. */
export interface FakeBackup {
  readonly version: number;
  readonly objects: ReadonlyMap<string, KubeObject>;
}

type Kind = Resource<KubeObject>;

interface LogEntry {
  readonly version: number;
  readonly kind: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

/** Objects go in and out as copies. */
export class FakeObjects {
  readonly #objects = new Map<string, KubeObject>();
  readonly #log: LogEntry[] = [];
  readonly #onChange: () => void;
  #version = 100;
  #oldestVersion = 0;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Of the last change. */
  get version(): number {
    return this.#version;
  }

  /** What happened before this version is forgotten. */
  get oldestVersion(): number {
    return this.#oldestVersion;
  }

  has(kind: Kind, at: ObjectName): boolean {
    return this.#objects.has(pathOf(kind, at));
  }

  /** What happened to objects of a kind after a version, in order. */
  newsAfter(version: number, { kind }: Pick<Kind, 'kind'>): LogEntry[] {
    return this.#log.slice(this.#firstAfter(version)).filter((entry) => entry.kind === kind);
  }

  forgetNews(): void {
    this.#oldestVersion = this.#version;
    this.#log.length = 0;
  }

  backUp(): FakeBackup {
    return { version: this.#version, objects: new Map(this.#objects) };
  }

  restore({ version, objects }: FakeBackup): void {
    this.#objects.clear();
    for (const [path, object] of objects) this.#objects.set(path, object);
    this.#version = version;
    this.#log.splice(0, this.#log.length, ...this.#log.filter((entry) => entry.version <= version));
  }

  find(kind: Kind, at: ObjectName): KubeObject {
    const found = this.#objects.get(
      pathOf(kind, { ...(at.namespace ? { namespace: at.namespace } : {}), name: at.name }),
    );
    if (!found) throw new KubeError('not-found', `${kind.plural} "${at.name}" not found`, { status: 404 });
    return copy(found);
  }

  select(kind: Kind, options: ListOptions): KubeObject[] {
    const all = [...this.#objects.values()].filter((object) => object.kind === kind.kind && matches(object, options));
    return all.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  compare(kept: KubeObject, version: string | undefined): void {
    if (version === undefined || version === kept.metadata.resourceVersion) return;
    throw new KubeError('conflict', `${keyOf(kept)}: the object has been modified`, { status: 409 });
  }

  change(kind: Kind, kept: KubeObject, wanted: KubeObject): KubeObject {
    const next = { ...wanted, metadata: { ...wanted.metadata, resourceVersion: kept.metadata.resourceVersion } };
    if (JSON.stringify(next) === JSON.stringify(kept)) return kept;
    if (kept.metadata.deletionTimestamp && !wanted.metadata.finalizers?.length) return this.remove(kind, wanted);
    return this.store(kind, wanted, 'MODIFIED');
  }

  store(kind: Kind, object: KubeObject, type: 'ADDED' | 'MODIFIED'): KubeObject {
    const stored = this.#stamp(kind, object);
    this.#objects.set(pathOf(kind, nameIn(stored)), stored);
    this.#append(kind, type, stored);
    return copy(stored);
  }

  remove(kind: Kind, object: KubeObject): KubeObject {
    this.#objects.delete(pathOf(kind, nameIn(object)));
    const stored = this.#stamp(kind, object);
    this.#append(kind, 'DELETED', stored);
    return stored;
  }

  #stamp(kind: Kind, object: KubeObject): KubeObject {
    this.#version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.#version) };
    return copy({ ...object, apiVersion: kind.apiVersion, kind: kind.kind, metadata });
  }

  /** Index of the first entry of the log that is newer; versions ascend, and there may be tens of thousands. */
  #firstAfter(version: number): number {
    let [low, high] = [0, this.#log.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#log[middle]?.version ?? 0) > version) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #append(kind: Kind, type: LogEntry['type'], object: KubeObject): void {
    this.#log.push({ version: this.#version, kind: kind.kind, type, object });
    this.#onChange();
  }
}

/** `name`, `name=value` or `name!=value`, or several of them with commas; nothing else is supported. */
function hasLabels(object: KubeObject, selector: string): boolean {
  return selector.split(',').every((one) => hasLabel(object, one));
}

function hasLabel({ metadata }: KubeObject, selector: string): boolean {
  if (!selector.includes('=')) return metadata.labels?.[selector] !== undefined;
  const [name = '', value] = selector.split(/!?=/);
  return (metadata.labels?.[name] === value) !== selector.includes('!=');
}

export const STAMP = '2026-01-01T00:00:00Z';

function nameIn(object: KubeObject): ObjectName {
  const { namespace, name } = object.metadata;
  return namespace ? { namespace, name } : { name };
}

export function matches(object: KubeObject, options: Selection): boolean {
  const { namespace, fieldSelector, labelSelector } = options;
  if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
  if (labelSelector !== undefined && !hasLabels(object, labelSelector)) return false;
  return fieldSelector === undefined || fieldSelector === `metadata.name=${object.metadata.name}`;
}

export function shown<T extends KubeObject>(object: T, options: { readonly metadataOnly?: boolean }): T {
  return copy(options.metadataOnly ? ({ metadata: object.metadata } as T) : object);
}

export function copy<T>(value: T): T {
  return structuredClone(value);
}
