// SPDX-License-Identifier: Apache-2.0
/** The ledger's ConfigMaps in the API server: read them all, write by compare-and-swap. */
import { LEDGER_NAME, type LedgerObject, type LedgerWrite, ledgerObjectOf } from '@berth/core';
import { type ApiBudget, type ConfigMap, configMaps, type KubeApi, type NewObject } from '@berth/kube';

export interface LedgerOptions {
  readonly api: KubeApi;
  readonly budget: ApiBudget;
  readonly namespace: string;
}

/** Names of the ledger's objects, whatever labels they carry. */
const LEDGER_NAMES = /^ledger(-\d+)?$/;

/** Objects read at a time: few enough to keep the memory for reading small. */
const PAGE_SIZE = 50;

/** Versions of our own writes that are remembered, to tell them from those of others. */
const MAX_OWN_VERSIONS = 1_000;

export class Ledger {
  readonly #options: LedgerOptions;
  /** Versions that this process has read or written; oldest first. */
  readonly #known = new Set<string>();
  #uid: string | undefined;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** uid of the first object as last read or written; undefined while there is none. */
  get uid(): string | undefined {
    return this.#uid;
  }

  /** Whether a version of an object is one that was read or written here. */
  isKnown(resourceVersion: string | undefined): boolean {
    return resourceVersion !== undefined && this.#known.has(resourceVersion);
  }

  /** Reads all objects; their versions are known from now on. */
  async read(signal: AbortSignal): Promise<readonly LedgerObject[]> {
    const objects: LedgerObject[] = [];
    this.#uid = undefined;
    let continueToken: string | undefined;
    do {
      const page = await this.#page(continueToken, signal);
      const ours = page.items.filter(({ metadata }) => LEDGER_NAMES.test(metadata.name));
      for (const object of ours) {
        this.#noteUid(object);
        objects.push(ledgerObjectOf(object));
      }
      continueToken = page.continueToken;
    } while (continueToken !== undefined);
    for (const { resourceVersion } of objects) this.#remember(resourceVersion);
    return objects;
  }

  /** Makes the writes in order; returns the version that each gave. After the first failure none is tried. */
  async write(writes: readonly LedgerWrite[], signal: AbortSignal): Promise<readonly string[]> {
    const versions: string[] = [];
    for (const write of writes) {
      const version = await this.#options.budget.run(() => this.#send(write, signal), { signal, priority: 'high' });
      this.#remember(version);
      versions.push(version);
    }
    return versions;
  }

  #page(continueToken: string | undefined, signal: AbortSignal) {
    const { api, budget, namespace } = this.#options;
    const from = continueToken === undefined ? {} : { continueToken };
    return budget.run(() => api.list(configMaps, { namespace, limit: PAGE_SIZE, signal, ...from }), {
      signal,
      priority: 'high',
    });
  }

  async #send(write: LedgerWrite, signal: AbortSignal): Promise<string> {
    const { api, namespace } = this.#options;
    const at = { namespace, name: write.name };
    switch (write.kind) {
      case 'create': {
        const object = write.object as unknown as NewObject<ConfigMap>;
        const made = { ...object, metadata: { ...object.metadata, ...at } };
        return this.#noted(await api.create(configMaps, made, { signal }));
      }
      case 'patch':
        return this.#noted(await api.patch(configMaps, at, { type: 'merge', body: write.patch }, { signal }));
    }
  }

  #noted(written: ConfigMap): string {
    this.#noteUid(written);
    return written.metadata.resourceVersion ?? '';
  }

  #noteUid({ metadata }: ConfigMap): void {
    if (metadata.name === LEDGER_NAME) this.#uid = metadata.uid;
  }

  #remember(version: string): void {
    this.#known.add(version);
    for (const oldest of this.#known) {
      if (this.#known.size <= MAX_OWN_VERSIONS) return;
      this.#known.delete(oldest);
    }
  }
}
