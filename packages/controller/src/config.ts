// SPDX-License-Identifier: Apache-2.0
/** The options of the controller, by argument or environment. All problems are reported at once. */
import { hostname } from 'node:os';
import { DEFAULT_LOAD_BALANCER_CLASS } from '@berth/core';
import {
  choice,
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
  listenAddress,
  readOptions,
  wholeNumberWithin,
} from '@berth/runtime';
import * as z from 'zod/mini';

export interface ControllerConfig {
  /** Namespace of Berth. Argument `--namespace`, environment NAMESPACE. Default: berth-system. */
  readonly namespace: string;
  /**
   * Class of the Services that are ours. `--load-balancer-class`, LOAD_BALANCER_CLASS. Default: berth.dev/l2, which
   * also takes Services without a class; any other class does not.
   */
  readonly loadBalancerClass: string;
  /**
   * Namespace of the IPAddressPool and L2Advertisement objects of MetalLB that are read beside the ConfigMap, where its
   * CRDs are and its controller is not at work. `--metallb-namespace`, METALLB_NAMESPACE; `off` for none. Default:
   * metallb-system.
   */
  readonly metallbNamespace: string | undefined;
  /**
   * Path of a kubeconfig, for running outside a pod. `--kubeconfig`, KUBECONFIG. Default: the pod's service account.
   */
  readonly kubeconfig: string | undefined;
  /**
   * Where metrics and health are served, `HOST:PORT`, or `:PORT` for all addresses. `--metrics-address`. Default:
   * `:7480`.
   */
  readonly metricsAddress: { readonly host: string | undefined; readonly port: number };
  /**
   * `token`: metrics are served over TLS, to those whose bearer token the API server knows and lets get /metrics, and
   * health on its own address. `none`: both in plain HTTP on one address. `--metrics-auth`. Default: none.
   */
  readonly metricsAuth: 'none' | 'token';
  /**
   * Folder with tls.crt and tls.key for that, read again when they change. `--metrics-cert-folder`. Default: the
   * process makes a certificate.
   */
  readonly metricsCertFolder: string | undefined;
  /** Where health is served then. `--health-address`. Default: `:7483`. */
  readonly healthAddress: { readonly host: string | undefined; readonly port: number };
  /** Least important message that is logged: error, warn, info or debug. `--log-level`. Default: info. */
  readonly logLevel: LogLevel;
  /** `json`, an object a line, or `text` for people. `--log-format`. Default: json. */
  readonly logFormat: LogFormat;
  /**
   * `add` the finalizer service.kubernetes.io/load-balancer-cleanup to Services with an address, or `none`.
   * `--finalizer`. Default: add. Without it a Service that is deleted is gone at once, and the speakers learn it from
   * that alone.
   */
  readonly finalizer: 'add' | 'none';
  /** Seconds that the Lease is good for without renewal. `--lease-seconds`, 3 to 120. Default: 15. */
  readonly leaseSeconds: number;
  /** Name of this replica in the Lease. `--identity`, POD_NAME. Default: the host name. */
  readonly identity: string;
}

export type ReadConfig =
  | { readonly ok: true; readonly config: ControllerConfig }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Option to environment variable; an argument goes before it. docs/reference/options.md lists them. */
export const ENVIRONMENT = {
  namespace: 'NAMESPACE',
  'load-balancer-class': 'LOAD_BALANCER_CLASS',
  'metallb-namespace': 'METALLB_NAMESPACE',
  kubeconfig: 'KUBECONFIG',
  'metrics-address': 'METRICS_ADDRESS',
  'metrics-auth': 'METRICS_AUTH',
  'metrics-cert-folder': 'METRICS_CERT_FOLDER',
  'health-address': 'HEALTH_ADDRESS',
  'log-level': 'LOG_LEVEL',
  'log-format': 'LOG_FORMAT',
  finalizer: 'FINALIZER',
  'lease-seconds': 'LEASE_SECONDS',
  identity: 'POD_NAME',
} as const;

const name = z.string().check(z.minLength(1));

/** Checks the options, and fills in the defaults. */
export const OPTIONS = z.object({
  namespace: z._default(name, 'berth-system'),
  'load-balancer-class': z._default(name, DEFAULT_LOAD_BALANCER_CLASS),
  'metallb-namespace': z._default(name, 'metallb-system'),
  kubeconfig: z.optional(z.string()),
  'metrics-address': z._default(listenAddress, { host: undefined, port: 7480 }),
  'metrics-auth': z._default(choice('none', 'token'), 'none'),
  'metrics-cert-folder': z.optional(z.string()),
  'health-address': z._default(listenAddress, { host: undefined, port: 7483 }),
  'log-level': z._default(choice(...LOG_LEVELS), 'info'),
  'log-format': z._default(choice(...LOG_FORMATS), 'json'),
  finalizer: z._default(choice('add', 'none'), 'add'),
  'lease-seconds': z._default(wholeNumberWithin(3, 120), 15),
  identity: z.optional(z.string()),
});

/** Reads the options. An empty text counts as not given. */
export function readConfig(argv: readonly string[], environment: NodeJS.ProcessEnv): ReadConfig {
  const read = readOptions({ schema: OPTIONS, environmentNames: ENVIRONMENT }, argv, environment);
  return read.ok ? { ok: true, config: toConfig(read.options) } : read;
}

function toConfig(options: z.infer<typeof OPTIONS>): ControllerConfig {
  return {
    namespace: options.namespace,
    loadBalancerClass: options['load-balancer-class'],
    metallbNamespace: options['metallb-namespace'] === 'off' ? undefined : options['metallb-namespace'],
    kubeconfig: options.kubeconfig,
    metricsAddress: options['metrics-address'],
    metricsAuth: options['metrics-auth'],
    metricsCertFolder: options['metrics-cert-folder'],
    healthAddress: options['health-address'],
    logLevel: options['log-level'],
    logFormat: options['log-format'],
    finalizer: options.finalizer,
    leaseSeconds: options['lease-seconds'],
    identity: options.identity ?? hostname(),
  };
}
