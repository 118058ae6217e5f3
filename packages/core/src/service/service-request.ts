// SPDX-License-Identifier: Apache-2.0
/** What a Service asks for, read from its spec and annotations once; decisions see nothing else of it. */
import type { Labels } from '../config/label-selector.ts';
import { IpAddress, type IpFamily } from '../net/ip-address.ts';
import { type Annotations, readRenumber, readSharingKey, readWantedAddresses, readWantedPool } from './annotations.ts';
import { type KubeService, namespaceOfKey, type ServiceKey, serviceKeyOf } from './kube-service.ts';

export type IpFamilyPolicy = 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';

/** What decides whether two Services may hold one address. */
export interface SharingTerms {
  /** Empty: never shares. */
  readonly key: string;
  /** `TCP/80`, sorted. */
  readonly ports: readonly string[];
  /** undefined with externalTrafficPolicy Cluster; with Local the pod selector as sorted text, empty when there is none. */
  readonly localSelector: string | undefined;
}

export interface ServiceRequest {
  readonly service: ServiceKey;
  readonly namespace: string;
  readonly labels: Labels;
  /** RFC 3339, empty when unknown. Older Services come first where two want the same. */
  readonly creationTimestamp: string;
  /** One or two families, in the order of the cluster IPs. */
  readonly families: readonly IpFamily[];
  readonly familyPolicy: IpFamilyPolicy;
  readonly sharing: SharingTerms;
  /** At most one per family; empty: any. */
  readonly wantedAddresses: readonly IpAddress[];
  readonly wantedPool: string | undefined;
  /** Addresses that the Service is to leave (annotation `berth.dev/renumber`). */
  readonly leaving: readonly IpAddress[];
  /** What status.loadBalancer shows now, whoever wrote it; entries that are not addresses are left out. */
  readonly shownAddresses: readonly IpAddress[];
  /** Whether the Service has an AddressAssigned condition that is True: only we write it, so its address was ours. */
  readonly wasAssigned: boolean;
  /** Why the wishes above cannot be followed: the annotations or the field contradict themselves or cannot be read. */
  readonly refusal: RequestRefusal | undefined;
}

export interface RequestRefusal {
  readonly reason: 'InvalidRequest';
  readonly message: string;
}

/** The condition that tells whether a Service has its address. */
export const CONDITION_ADDRESS_ASSIGNED = 'berth.dev/AddressAssigned';

/**
 * Reads what a Service of ours asks for. Gives undefined as long as its cluster IP is not set: then there is nothing to do
 * and nothing to warn about. Never throws; what cannot be read becomes {@link ServiceRequest.refusal}.
 */
export function readServiceRequest(service: KubeService): ServiceRequest | undefined {
  const families = familiesOf(service);
  if (families === undefined) return undefined;
  const metadata = service.metadata ?? {};
  const key = serviceKeyOf(service);
  return {
    service: key,
    namespace: namespaceOfKey(key),
    labels: metadata.labels ?? {},
    creationTimestamp: metadata.creationTimestamp ?? '',
    families,
    familyPolicy: familyPolicyOf(service, families),
    shownAddresses: shownAddressesOf(service),
    wasAssigned: (service.status?.conditions ?? []).some(
      ({ type, status }) => type === CONDITION_ADDRESS_ASSIGNED && status === 'True',
    ),
    ...readWishes(service, families),
  };
}

/** The addresses in status.loadBalancer, duplicates and other entries left out. */
export function shownAddressesOf(service: KubeService): readonly IpAddress[] {
  const addresses: IpAddress[] = [];
  for (const { ip } of service.status?.loadBalancer?.ingress ?? []) {
    const address = IpAddress.parse(ip ?? '');
    if (address.ok && !addresses.some((known) => known.equals(address.value))) addresses.push(address.value);
  }
  return addresses;
}

// The cluster IPs say what the Service really has; ipFamilies may be empty on old objects.
function familiesOf(service: KubeService): readonly IpFamily[] | undefined {
  const { clusterIP = '', clusterIPs = [] } = service.spec ?? {};
  const texts = clusterIPs.length > 0 ? clusterIPs : [clusterIP];
  const families: IpFamily[] = [];
  for (const text of texts) {
    const address = IpAddress.parse(text);
    if (!address.ok) return undefined;
    if (!families.includes(address.value.family)) families.push(address.value.family);
  }
  return families;
}

function familyPolicyOf(service: KubeService, families: readonly IpFamily[]): IpFamilyPolicy {
  const policy = service.spec?.ipFamilyPolicy;
  if (policy === 'PreferDualStack' || policy === 'RequireDualStack') return policy;
  // Two cluster IPs without a policy: the object is older than the field, or was made by hand.
  return families.length === 2 && policy === undefined ? 'PreferDualStack' : 'SingleStack';
}

type Wishes = Pick<ServiceRequest, 'sharing' | 'wantedAddresses' | 'wantedPool' | 'leaving' | 'refusal'>;

function readWishes(service: KubeService, families: readonly IpFamily[]): Wishes {
  const annotations = service.metadata?.annotations ?? {};
  const sharingKey = readSharingKey(annotations);
  const pool = readWantedPool(annotations);
  const renumber = readRenumber(annotations);
  const addresses = wantedOf(service, annotations, families);
  const reasons = [sharingKey, pool, renumber, addresses].flatMap((result) => (result.ok ? [] : [result.reason]));
  return {
    sharing: termsOf(service, sharingKey.ok ? sharingKey.value : ''),
    wantedAddresses: addresses.ok ? addresses.value : [],
    wantedPool: pool.ok ? pool.value : undefined,
    leaving: renumber.ok ? renumber.value : [],
    refusal: reasons.length === 0 ? undefined : { reason: 'InvalidRequest', message: reasons.join('; ') },
  };
}

function termsOf({ spec = {} }: KubeService, key: string): SharingTerms {
  const ports = (spec.ports ?? []).map(({ protocol = 'TCP', port }) => `${protocol}/${port}`).sort();
  const localSelector = spec.externalTrafficPolicy === 'Local' ? selectorText(spec.selector ?? {}) : undefined;
  return { key, ports, localSelector };
}

function selectorText(selector: Readonly<Record<string, string>>): string {
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}

/** The addresses that field and annotation ask for together, held against the families of the Service. */
function wantedOf(
  { spec = {} }: KubeService,
  annotations: Annotations,
  families: readonly IpFamily[],
): ReturnType<typeof readWantedAddresses> {
  const byAnnotation = readWantedAddresses(annotations);
  if (!byAnnotation.ok) return byAnnotation;
  const fieldText = (spec.loadBalancerIP ?? '').trim();
  if (fieldText === '') return fitted(byAnnotation.value, families);
  const field = IpAddress.parse(fieldText);
  if (!field.ok) return { ok: false, reason: `spec.loadBalancerIP: ${field.reason}` };
  if (byAnnotation.value.length === 0) return fitted([field.value], families);
  if (byAnnotation.value.some((address) => address.equals(field.value))) return fitted(byAnnotation.value, families);
  const reason = `spec.loadBalancerIP is ${field.value}, but the annotation loadBalancerIPs is ${byAnnotation.value.join(',')}`;
  return { ok: false, reason };
}

function fitted(wanted: readonly IpAddress[], families: readonly IpFamily[]): ReturnType<typeof readWantedAddresses> {
  const foreign = wanted.find(({ family }) => !families.includes(family));
  if (foreign !== undefined) {
    return { ok: false, reason: `${foreign} is ${foreign.family}, but the Service is ${families.join(' and ')} only` };
  }
  for (const family of families) {
    const same = wanted.filter((address) => address.family === family);
    if (same.length > 1) {
      return { ok: false, reason: `${same.join(' and ')}: more than one address per family is not supported` };
    }
  }
  if (wanted.length === 0 || wanted.length === families.length) return { ok: true, value: wanted };
  return { ok: false, reason: `${wanted.join(',')}: a dual-stack Service must ask for one address of each family` };
}
