// SPDX-License-Identifier: Apache-2.0
/** What the ConfigMap `ip-address-pools` says once it was read and found right: values with every default filled in. */
import type { IpAddress } from '../net/ip-address.ts';
import type { IpRange } from '../net/ip-range.ts';
import type { LabelSelector, Labels } from './label-selector.ts';

/** Name of the ConfigMap in the namespace of Berth. */
export const POOL_CONFIG_MAP = 'ip-address-pools';

/** Name of the ConfigMap that keeps the last good configuration over restarts of the controller. */
export const LAST_GOOD_MAP = 'last-good-pools';

/** A CIDR or a first-last range. */
export interface PoolEntry {
  /** As the user wrote it, without blanks at the ends; reports show this. */
  readonly text: string;
  readonly range: IpRange;
}

/** An address that is kept for one Service, which may or may not exist. */
export interface Reservation {
  readonly address: IpAddress;
  /** `namespace/name`. */
  readonly service: string;
}

/** How many addresses of a pool a namespace may hold; a shared address counts once for each namespace that shares it. */
export interface Quota {
  /** For each namespace that {@link Quota.namespaces} does not name; undefined: no limit. */
  readonly perNamespace: number | undefined;
  /** Exceptions by namespace; 0 closes the pool to a namespace. */
  readonly namespaces: Readonly<Record<string, number>>;
}

/** Who may use a pool, and which pool comes first. */
export interface ServiceAllocation {
  /** Lower is earlier; 0 comes last, as with MetalLB. */
  readonly priority: number;
  readonly namespaces: readonly string[];
  /** A namespace belongs when it is listed or any of these matches its labels. */
  readonly namespaceSelectors: readonly LabelSelector[];
  /** Any one is enough. */
  readonly serviceSelectors: readonly LabelSelector[];
  /** Whether Services of different namespaces may share an address. */
  readonly sharedAcrossNamespaces: boolean;
}

export interface AddressPool {
  readonly name: string;
  readonly labels: Labels;
  /** In the order written, which is the order of use. */
  readonly addresses: readonly PoolEntry[];
  /** Whether a Service that asks for nothing may get an address of this pool. */
  readonly autoAssign: boolean;
  /** Whether IPv4 addresses that end in .0 or .255 are left out. */
  readonly avoidBuggyIPs: boolean;
  /** Never given, not even on request. Always inside {@link AddressPool.addresses}. */
  readonly exclude: readonly PoolEntry[];
  readonly reserved: readonly Reservation[];
  readonly quota: Quota | undefined;
  /** How long a freed address rests before another Service may have it, in seconds; 0: not at all. */
  readonly cooldownSeconds: number;
  readonly serviceAllocation: ServiceAllocation;
}

/** A soft wish: nodes that match get the weight added to their score. */
export interface PreferredNodeSelector {
  /** 1 to 100. */
  readonly weight: number;
  readonly preference: LabelSelector;
}

/** An L2 policy: which pools are announced, from which nodes and interfaces. Empty lists restrict nothing. */
export interface L2Advertisement {
  readonly name: string;
  readonly ipAddressPools: readonly string[];
  readonly ipAddressPoolSelectors: readonly LabelSelector[];
  readonly nodeSelectors: readonly LabelSelector[];
  /** Whole names of interfaces. */
  readonly interfaces: readonly string[];
  readonly serviceSelectors: readonly LabelSelector[];
  readonly preferredNodeSelectors: readonly PreferredNodeSelector[];
}

/** Both lists are ordered by name, whatever the order of the documents. */
export interface PoolConfig {
  readonly pools: readonly AddressPool[];
  readonly advertisements: readonly L2Advertisement[];
}

/** The configuration without any document. */
export const EMPTY_POOL_CONFIG: PoolConfig = { pools: [], advertisements: [] };
