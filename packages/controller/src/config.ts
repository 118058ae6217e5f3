// SPDX-License-Identifier: Apache-2.0
/** The options of the controller, by argument or environment. All problems are told at once. */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { DEFAULT_LOAD_BALANCER_CLASS } from '@berth/core';
import { z } from 'zod';

export interface ControllerConfig {
  /** Namespace of Berth. Argument `--namespace`, environment NAMESPACE. Default: berth-system. */
  readonly namespace: string;
  /**
   * Class of the Services that are ours. `--load-balancer-class`, LOAD_BALANCER_CLASS. Default: berth.dev/l2, which also
   * takes Services without a class; any other class does not.
   */
  readonly loadBalancerClass: string;
  /** Path of a kubeconfig, for running outside a pod. `--kubeconfig`, KUBECONFIG. Default: the pod's service account. */
  readonly kubeconfig: string | undefined;
  /** Where metrics and health are served, `HOST:PORT`, or `:PORT` for all addresses. `--metrics-address`. Default: `:7480`. */
  readonly metricsAddress: { readonly host: string | undefined; readonly port: number };
  /** Least important message that is logged: error, warn, info or debug. `--log-level`. Default: info. */
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  /**
   * `add` the finalizer service.kubernetes.io/load-balancer-cleanup to Services with an address, or `none`. `--finalizer`.
   * Default: add. Without it a Service that is deleted is gone at once, and the speakers learn it from that alone.
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

/** Option to environment variable; an argument goes before it. */
const ENVIRONMENT = {
  namespace: 'NAMESPACE',
  'load-balancer-class': 'LOAD_BALANCER_CLASS',
  kubeconfig: 'KUBECONFIG',
  'metrics-address': 'METRICS_ADDRESS',
  'log-level': 'LOG_LEVEL',
  finalizer: 'FINALIZER',
  'lease-seconds': 'LEASE_SECONDS',
  identity: 'POD_NAME',
} as const;

const address = z
  .string()
  .regex(/^(.*):(\d{1,5})$/, 'wanted HOST:PORT or :PORT')
  .transform((text) => {
    const colon = text.lastIndexOf(':');
    const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
    return { host: host === '' ? undefined : host, port: Number(text.slice(colon + 1)) };
  })
  .refine(({ port }) => port <= 65_535, 'wanted a port up to 65535');

const OPTIONS = z.object({
  namespace: z.string().min(1).default('berth-system'),
  'load-balancer-class': z.string().min(1).default(DEFAULT_LOAD_BALANCER_CLASS),
  kubeconfig: z.string().optional(),
  'metrics-address': address.default({ host: undefined, port: 7480 }),
  'log-level': z.enum(['error', 'warn', 'info', 'debug']).default('info'),
  finalizer: z.enum(['add', 'none']).default('add'),
  'lease-seconds': z.coerce.number().int().min(3).max(120).default(15),
  identity: z.string().optional(),
});

/** Reads the options. An empty text counts as not given. */
export function readConfig(argv: readonly string[], environment: NodeJS.ProcessEnv): ReadConfig {
  const given = readArguments(argv);
  if (typeof given === 'string') return { ok: false, problems: [given] };
  const entries = Object.entries(ENVIRONMENT).map(([option, variable]) => [
    option,
    given[option] ?? environment[variable],
  ]);
  const parsed = OPTIONS.safeParse(
    Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== '')),
  );
  if (!parsed.success) {
    return { ok: false, problems: parsed.error.issues.map((issue) => `--${String(issue.path[0])}: ${issue.message}`) };
  }
  return { ok: true, config: toConfig(parsed.data) };
}

function toConfig(options: z.infer<typeof OPTIONS>): ControllerConfig {
  return {
    namespace: options.namespace,
    loadBalancerClass: options['load-balancer-class'],
    kubeconfig: options.kubeconfig,
    metricsAddress: options['metrics-address'],
    logLevel: options['log-level'],
    finalizer: options.finalizer,
    leaseSeconds: options['lease-seconds'],
    identity: options.identity ?? hostname(),
  };
}

// parseArgs throws on options that it does not know; its message names the option.
function readArguments(argv: readonly string[]): Record<string, string | undefined> | string {
  const options = Object.fromEntries(Object.keys(ENVIRONMENT).map((option) => [option, { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...argv], options, strict: true }).values as Record<string, string | undefined>;
  } catch (error) {
    return (error as Error).message;
  }
}
