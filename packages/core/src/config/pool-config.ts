// SPDX-License-Identifier: Apache-2.0
/** What the ConfigMap `ip-address-pools` says once it was read and found right: values with every default filled in. */
import type { IpAddress } from '../net/ip-address.ts';
import type { IpRange } from '../net/ip-range.ts';
import type { LabelSelector, Labels } from './label-selector.ts';

/** Name of the ConfigMap in the namespace of Berth. */
export const POOL_CONFIG_MAP = 'ip-address-pools';

/** Whether kustomize made this name of {@link POOL_CONFIG_MAP}: a generator appends ten characters of a hash. */
export function isHashSuffixed(name: string): boolean {
  return name.startsWith(`${POOL_CONFIG_MAP}-`) && /^[a-z0-9]{10}$/.test(name.slice(POOL_CONFIG_MAP.length + 1));
}

/** What is wrong with a name that {@link isHashSuffixed}, and what to do. */
export function hashSuffixRemark(name: string): string {
  return `ConfigMap ${name} is not read, only ${POOL_CONFIG_MAP} is: kustomize appended a hash; set disableNameSuffixHash: true in generatorOptions of the kustomization`;
}

/** Name of the ConfigMap that keeps the last good configuration over restarts of the controller. */
export const LAST_GOOD_MAP = 'last-good-pools';

/** Name of the ConfigMap in which the controller says what became of the configuration, and how full the pools are. */
export const POOL_STATUS_MAP = 'pool-status';

/** Annotation of a pool that has no addresses on purpose; its value is `true`. */
export const EMPTY_ANNOTATION = 'berth.dev/empty';

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

/**
 * How many addresses of a pool a namespace may hold; a shared address counts once for each namespace that shares it.
 */
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
  /**
   * Set where the pool was written for MetalLB: a document with its apiVersion, or an object, then with its
   * `namespace/name`.
   */
  readonly metallb?: { readonly object: string | undefined };
}

/** A soft wish: nodes that match get the weight added to their score. */
export interface PreferredNodeSelector {
  /** 1 to 100. */
  readonly weight: number;
  readonly preference: LabelSelector;
}

/**
 * owner: the node that answers for the VIP serves it. every-node: each node that can serves its share, and the client's
 * frames are passed on to it.
 */
export const SERVE_MODES = ['owner', 'every-node'] as const;
export type ServeMode = (typeof SERVE_MODES)[number];

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
  /** Who serves the flows of its VIPs. Default: the owner. */
  readonly serve?: ServeMode | undefined;
}

/** Both lists are ordered by name, whatever the order of the documents. */
export interface PoolConfig {
  readonly pools: readonly AddressPool[];
  readonly advertisements: readonly L2Advertisement[];
}

/** The configuration without any document. */
export const EMPTY_POOL_CONFIG: PoolConfig = { pools: [], advertisements: [] };
