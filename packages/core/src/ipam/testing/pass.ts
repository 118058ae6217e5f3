// SPDX-License-Identifier: Apache-2.0
/** One allocator whose Services come one after the other, for tests that ask which pool serves whom. */
import type { Labels } from '../../config/label-selector.ts';
import type { PoolConfig } from '../../config/pool-config.ts';
import { Allocator } from '../allocator.ts';
import type { Decision } from '../decision.ts';
import { configOf, requestOf, type ServiceSketch } from './builders.ts';

type Namespaces = Readonly<Record<string, Labels>>;

/** Pools of one address each: 192.0.2.1/32, 192.0.2.2/32, ... */
export function single(specs: Readonly<Record<string, object>>): PoolConfig {
  const pools = Object.entries(specs).map(([name, spec], index) => [
    name,
    { addresses: [`192.0.2.${index + 1}/32`], ...spec },
  ]);
  return configOf(Object.fromEntries(pools));
}

export class Pass {
  readonly allocator: Allocator;
  #count = 0;

  constructor(config: PoolConfig, namespaces: Namespaces = {}) {
    this.allocator = new Allocator({ config, namespaces: new Map(Object.entries(namespaces)) });
  }

  decide(sketch: ServiceSketch = {}, name = `s${this.#count++}`): Decision {
    return this.allocator.decide(requestOf(name, sketch), 0);
  }

  /** The pool of the address that a new Service gets, or the reason why it gets none. */
  pool(sketch: ServiceSketch = {}): string | undefined {
    const { addresses, refusal } = this.decide(sketch);
    return addresses[0]?.pool ?? refusal;
  }
}

export function pinned(to: object): object {
  return { serviceAllocation: to };
}

export const GOLD = { matchLabels: { tier: 'gold' } };
export const RED = { matchLabels: { team: 'red' } };
