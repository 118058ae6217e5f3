// SPDX-License-Identifier: Apache-2.0
/** The smallest configurations and Services that a test needs. */
import { parsePoolConfig } from '../../config/parse.ts';
import { EMPTY_POOL_CONFIG, type PoolConfig } from '../../config/pool-config.ts';
import { ip } from '../../net/testing.ts';
import type { KubeCondition, KubeService } from '../../service/kube-service.ts';
import { DEFAULT_LOAD_BALANCER_CLASS } from '../../service/load-balancer-class.ts';
import { readServiceRequest, type ServiceRequest } from '../../service/service-request.ts';
import { usageCondition } from '../../service/usage.ts';

/** What a test says about a pool; `addresses` is required, the rest as in `spec`. */
export interface PoolSpec {
  readonly addresses: readonly string[];
  readonly [field: string]: unknown;
}

/** Our own documents for these pools, as JSON, which is YAML too. */
export function poolDocuments(pools: Readonly<Record<string, PoolSpec>>, apiVersion = 'berth.dev/v1'): string {
  const documents = Object.entries(pools).map(([name, spec]) => ({
    apiVersion,
    kind: 'IPAddressPool',
    metadata: { name },
    spec,
  }));
  return documents.map((document) => JSON.stringify(document)).join('\n---\n');
}

/** The configuration of these pools; throws when they are refused. */
export function configOf(pools: Readonly<Record<string, PoolSpec>>, apiVersion?: string): PoolConfig {
  if (Object.keys(pools).length === 0) return EMPTY_POOL_CONFIG;
  const parsed = parsePoolConfig({ 'pools.yaml': poolDocuments(pools, apiVersion) });
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('\n'));
  return parsed.config;
}

/** What a test says about a Service. */
export interface ServiceSketch {
  /** Default `shop`. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** `share-key`, `req-ips`, `req-pool` stand for our annotations; other names are taken as they are. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Default one IPv4. */
  readonly clusterIPs?: readonly string[];
  readonly ipFamilyPolicy?: string;
  readonly loadBalancerIP?: string;
  readonly loadBalancerClass?: string;
  readonly type?: string;
  /** `tcp/80`; default that. */
  readonly ports?: readonly string[];
  readonly externalTrafficPolicy?: string;
  readonly selector?: Readonly<Record<string, string>>;
  /** Addresses that the status shows. */
  readonly shown?: readonly string[];
  /** What Berth says that it gave; default: it says nothing. */
  readonly given?: readonly string[];
  readonly creationTimestamp?: string;
}

export const IPV4_ONLY = ['10.96.0.9'];
export const IPV6_ONLY = ['fd00::9'];
export const DUAL = ['10.96.0.9', 'fd00::9'];

const SHORT_NAMES: Readonly<Record<string, string>> = {
  'share-key': 'berth.dev/allow-shared-ip',
  'req-ips': 'berth.dev/loadBalancerIPs',
  'req-pool': 'berth.dev/address-pool',
};

/** A Service of type LoadBalancer. */
export function serviceOf(name: string, sketch: ServiceSketch = {}): KubeService {
  const { namespace = 'shop', labels, annotations = {}, clusterIPs = IPV4_ONLY, type = 'LoadBalancer' } = sketch;
  const spelled = Object.entries(annotations).map(([key, value]) => [SHORT_NAMES[key] ?? key, value]);
  return {
    metadata: {
      name,
      namespace,
      resourceVersion: '1',
      annotations: Object.fromEntries(spelled),
      ...(labels === undefined ? {} : { labels }),
      ...(sketch.creationTimestamp === undefined ? {} : { creationTimestamp: sketch.creationTimestamp }),
    },
    spec: { type, clusterIPs, ports: (sketch.ports ?? ['tcp/80']).map(portOf), ...specOf(sketch) },
    status: {
      loadBalancer: { ingress: (sketch.shown ?? []).map((ip) => ({ ip, ipMode: 'VIP' })) },
      ...(sketch.given && { conditions: [givenFact(sketch.given)] }),
    },
  };
}

function givenFact(given: readonly string[]): KubeCondition {
  const usage = { loadBalancerClass: DEFAULT_LOAD_BALANCER_CLASS, given: given.map(ip), used: [] };
  return { ...usageCondition(usage), lastTransitionTime: '2026-01-01T00:00:00Z' };
}

/** What such a Service asks for. */
export function requestOf(name: string, sketch: ServiceSketch = {}): ServiceRequest {
  const request = readServiceRequest(serviceOf(name, sketch));
  if (request === undefined) throw new Error(`${name} has no cluster IP`);
  return request;
}

function specOf(sketch: ServiceSketch): KubeService['spec'] {
  const { ipFamilyPolicy, loadBalancerIP, loadBalancerClass, externalTrafficPolicy, selector } = sketch;
  const fields = { ipFamilyPolicy, loadBalancerIP, loadBalancerClass, externalTrafficPolicy, selector };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function portOf(text: string): { protocol: string; port: number } {
  const [protocol = 'tcp', port = '80'] = text.split('/');
  return { protocol: protocol.toUpperCase(), port: Number(port) };
}
