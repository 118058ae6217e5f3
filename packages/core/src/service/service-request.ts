// SPDX-License-Identifier: Apache-2.0
/** What a Service asks for, read from its spec and annotations once; decisions see nothing else of it. */
import type { Labels } from '../config/label-selector.ts';
import { IpAddress, type IpFamily } from '../net/ip-address.ts';
import { type Parsed, parsed, unparsed } from '../net/parsed.ts';
import {
  type Annotations,
  readAdopt,
  readRenumber,
  readSharingKey,
  readWantedAddresses,
  readWantedPool,
} from './annotations.ts';
import { type KubeService, namespaceOfKey, type ServiceKey, serviceKeyOf } from './kube-service.ts';
import { type LoadBalancerClassRule, loadBalancerClassRule } from './load-balancer-class.ts';
import { unreadAnnotations } from './unread-annotations.ts';
import { askedPoolsOf, givenTo, shownAddressesOf, shownTextsOf, showsOther } from './usage.ts';

export type IpFamilyPolicy = 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';

/** What decides whether two Services may hold one address. */
export interface SharingTerms {
  /** Empty: never shares. */
  readonly key: string;
  /** `TCP/80`, sorted. */
  readonly ports: readonly string[];
  /**
   * undefined with externalTrafficPolicy Cluster; with Local the pod selector as sorted text, empty when there is none.
   */
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
  /** Which of the addresses asked for the Service need not have and cannot get, as a sentence; undefined: none. */
  readonly unavailable: string | undefined;
  /** Addresses that the Service is to leave (annotation `berth.dev/renumber`). */
  readonly leaving: readonly IpAddress[];
  /** What status.loadBalancer shows now, whoever wrote it; entries that are not addresses are left out. */
  readonly shownAddresses: readonly IpAddress[];
  /** Whether it shows more than plain addresses: host names, or addresses of mode Proxy. */
  readonly showsOther: boolean;
  /** All that it shows, for people. */
  readonly shownTexts: readonly string[];
  /** What Berth gave it or took over, by its own word in the status; undefined: Berth was never at work here. */
  readonly given: readonly IpAddress[] | undefined;
  /** By the same word: the pool that it asked for, where that wish is met, by address. */
  readonly askedPools: ReadonlyMap<string, string>;
  /** Addresses that somebody else gave and that Berth is to take over as they are (annotation `berth.dev/adopt`). */
  readonly adopting: readonly IpAddress[];
  /** What of its annotations is not read although it looks as if it should be, with what to write. */
  readonly unread: readonly string[];
  /** Why the wishes above cannot be followed: the annotations or the field contradict themselves or cannot be read. */
  readonly refusal: RequestRefusal | undefined;
}

export interface RequestRefusal {
  readonly reason: 'InvalidRequest';
  readonly message: string;
}

/**
 * Reads what a Service of ours asks for. Gives undefined as long as its cluster IP is not set: then there is nothing to
 * do and nothing to warn about. Never throws; what cannot be read becomes {@link ServiceRequest.refusal}. `rule`: of
 * this installation, whose word about what it gave counts.
 */
export function readServiceRequest(
  service: KubeService,
  rule: LoadBalancerClassRule = loadBalancerClassRule(),
): ServiceRequest | undefined {
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
    showsOther: showsOther(service),
    shownTexts: shownTextsOf(service),
    given: givenTo(service, rule),
    askedPools: askedPoolsOf(service, rule),
    unread: unreadAnnotations(metadata.annotations ?? {}),
    ...readWishes(service, families),
  };
}

/** What the Service shows, as part of a sentence. */
export function shownTextsIn({ shownTexts }: ServiceRequest): string {
  return shownTexts.join(' and ') || 'an entry without address';
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

type Wishes = Pick<
  ServiceRequest,
  'sharing' | 'wantedAddresses' | 'wantedPool' | 'unavailable' | 'leaving' | 'adopting' | 'refusal'
>;

function readWishes(service: KubeService, families: readonly IpFamily[]): Wishes {
  const annotations = service.metadata?.annotations ?? {};
  const sharingKey = readSharingKey(annotations);
  const pool = readWantedPool(annotations);
  const renumber = readRenumber(annotations);
  const adopt = readAdopt(annotations);
  const addresses = wantedOf(service, annotations, families);
  const reasons = [sharingKey, pool, renumber, adopt, addresses].flatMap((result) =>
    result.ok ? [] : [result.reason],
  );
  return {
    sharing: termsOf(service, sharingKey.ok ? sharingKey.value : ''),
    wantedAddresses: addresses.ok ? addresses.value.wanted : [],
    unavailable: addresses.ok ? addresses.value.unavailable : undefined,
    wantedPool: pool.ok ? pool.value : undefined,
    leaving: renumber.ok ? renumber.value : [],
    adopting: adopt.ok ? adopt.value : [],
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

/** The addresses that a Service asks for, as far as it can have their families. */
interface FittedWishes {
  readonly wanted: readonly IpAddress[];
  readonly unavailable: string | undefined;
}

/** The addresses that field and annotation ask for together, held against the families of the Service. */
function wantedOf(
  { spec = {} }: KubeService,
  annotations: Annotations,
  families: readonly IpFamily[],
): Parsed<FittedWishes> {
  const byAnnotation = readWantedAddresses(annotations);
  if (!byAnnotation.ok) return byAnnotation;
  const isDualOptional = spec.ipFamilyPolicy === 'PreferDualStack';
  const fit = (wanted: readonly IpAddress[]) =>
    isDualOptional ? fittedAsFarAs(wanted, families) : fitted(wanted, families);
  const fieldText = (spec.loadBalancerIP ?? '').trim();
  if (fieldText === '') return fit(byAnnotation.value);
  const field = IpAddress.parse(fieldText);
  if (!field.ok) return unparsed(`spec.loadBalancerIP: ${field.reason}`);
  if (byAnnotation.value.length === 0) return fit([field.value]);
  if (byAnnotation.value.some((address) => address.equals(field.value))) return fit(byAnnotation.value);
  const reason = `spec.loadBalancerIP is ${field.value}, but the annotation loadBalancerIPs is ${byAnnotation.value.join(',')}`;
  return unparsed(reason);
}

/**
 * With PreferDualStack a cluster of one family gives one cluster IP, and of one address for each family only that one
 * can be had. Where none could be had, nothing is left that the Service asks for, and it is refused as any other.
 */
function fittedAsFarAs(wanted: readonly IpAddress[], families: readonly IpFamily[]): Parsed<FittedWishes> {
  const possible = wanted.filter(({ family }) => families.includes(family));
  const rest = wanted.filter(({ family }) => !families.includes(family));
  if (possible.length === 0 || rest.length === 0) return fitted(wanted, families);
  const result = fitted(possible, families);
  const unavailable = `${rest.join(' and ')} cannot be given: the Service has ${families.join(' and ')} only`;
  return result.ok ? parsed({ ...result.value, unavailable }) : result;
}

function fitted(wanted: readonly IpAddress[], families: readonly IpFamily[]): Parsed<FittedWishes> {
  const foreign = wanted.find(({ family }) => !families.includes(family));
  if (foreign !== undefined) {
    return unparsed(`${foreign} is ${foreign.family}, but the Service is ${families.join(' and ')} only`);
  }
  for (const family of families) {
    const same = wanted.filter((address) => address.family === family);
    if (same.length > 1) return unparsed(`${same.join(' and ')}: more than one address per family is not supported`);
  }
  if (wanted.length === 0 || wanted.length === families.length) return parsed({ wanted, unavailable: undefined });
  return unparsed(`${wanted.join(',')}: a dual-stack Service must ask for one address of each family`);
}
