// SPDX-License-Identifier: Apache-2.0
/** The options of the speaker, by argument or environment. All problems are told at once. */
import {
  DEFAULT_EXCLUDED_INTERFACES,
  DEFAULT_LOAD_BALANCER_CLASS,
  type EligibilityOptions,
  type Timing,
  timingOf,
} from '@berth/core';
import { choice, listenAddress, numberWithin, readOptions, wholeNumberWithin } from '@berth/daemon';
import { ENGINES, type WantedEngine } from '@berth/link';
import * as z from 'zod/mini';

export interface SpeakerConfig {
  /** Name of the Node that this process runs on. Argument `--node-name`, environment NODE_NAME. No default. */
  readonly nodeName: string;
  /** Namespace of Berth. `--namespace`, NAMESPACE. Default: berth-system. */
  readonly namespace: string;
  /** Class of the Services that are ours. `--load-balancer-class`. Default: berth.dev/l2. */
  readonly loadBalancerClass: string;
  /** Path of a kubeconfig, for running outside a pod. `--kubeconfig`. Default: the pod's service account. */
  readonly kubeconfig: string | undefined;
  /** Where metrics and health are served, `HOST:PORT`, or `:PORT` for all addresses. `--metrics-address`. Default: `:7481`. */
  readonly metricsAddress: { readonly host: string | undefined; readonly port: number };
  /** Least important message that is logged: error, warn, info or debug. `--log-level`. Default: info. */
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  /**
   * Regular expressions, separated by commas, of interfaces that are never used. `--exclude-interfaces`. Default: those of container
   * networks (core's DEFAULT_EXCLUDED_INTERFACES).
   */
  readonly excludedInterfaces: readonly RegExp[];
  /** Seconds between announcements once the first ones are out. `--announce-every-seconds`. Default: 120. */
  readonly announceEverySeconds: number;
  /**
   * Which nodes may own VIPs; the same on all nodes. `--exclude-label`: `obey` or `ignore` node.kubernetes.io/exclude-from-external-load-balancers,
   * default obey. `--cordoned-nodes`: they `serve`, or VIPs `avoid` them, default serve.
   */
  readonly eligibility: Required<EligibilityOptions>;
  /**
   * URL that the kube-proxy of this node answers with 200 while it is well, or `off`. A node whose kube-proxy is not well for ten seconds hands its VIPs
   * over to nodes where it is. `--kube-proxy-health`. Default: `http://127.0.0.1:10256/healthz`.
   */
  readonly kubeProxyHealth: string;
  /**
   * What answers: `kernel` (a program by TCX links, Linux 6.6), `kernel-clsact` (the same on older kernels), `packet-socket` (a thread), or
   * `auto`, the first of these that can be had. `--engine`. Default: auto.
   */
  readonly engine: WantedEngine;
  /**
   * The times of heartbeats: `--heartbeat-ms`, milliseconds between two of them, 5 to 1000, default 25; and `--dead-after-ms`, milliseconds of
   * silence after which peers take over, at least four heartbeats, default 200.
   */
  readonly timing: Timing;
  /** Whether VIPs go back, one by one, to nodes that return. `--rebalance`: off or gradual. Default: off. */
  readonly rebalance: 'off' | 'gradual';
}

export type ReadConfig =
  | { readonly ok: true; readonly config: SpeakerConfig }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Option to environment variable; an argument goes before it. docs/reference/options.md lists them. */
export const ENVIRONMENT = {
  'node-name': 'NODE_NAME',
  namespace: 'NAMESPACE',
  'load-balancer-class': 'LOAD_BALANCER_CLASS',
  kubeconfig: 'KUBECONFIG',
  'metrics-address': 'METRICS_ADDRESS',
  'log-level': 'LOG_LEVEL',
  'exclude-interfaces': 'EXCLUDE_INTERFACES',
  'announce-every-seconds': 'ANNOUNCE_EVERY_SECONDS',
  'exclude-label': 'EXCLUDE_LABEL',
  'cordoned-nodes': 'CORDONED_NODES',
  'kube-proxy-health': 'KUBE_PROXY_HEALTH',
  engine: 'ENGINE',
  'heartbeat-ms': 'HEARTBEAT_MS',
  'dead-after-ms': 'DEAD_AFTER_MS',
  rebalance: 'REBALANCE',
} as const;

const patterns = z.pipe(
  z.string(),
  z.transform((text: string, context): RegExp[] => {
    const sources = text.split(',').filter((source) => source !== '');
    return sources.flatMap((source) => {
      try {
        return [new RegExp(source)];
      } catch {
        const message = `"${source}" is not a regular expression`;
        context.issues.push({ code: 'custom', message, input: source });
        return [];
      }
    });
  }),
);

const name = z.string().check(z.minLength(1));

const OPTIONS = z.object({
  'node-name': z.string('wanted the name of this node').check(z.minLength(1, 'wanted the name of this node')),
  namespace: z._default(name, 'berth-system'),
  'load-balancer-class': z._default(name, DEFAULT_LOAD_BALANCER_CLASS),
  kubeconfig: z.optional(z.string()),
  'metrics-address': z._default(listenAddress, { host: undefined, port: 7481 }),
  'log-level': z._default(choice('error', 'warn', 'info', 'debug'), 'info'),
  'exclude-interfaces': z._default(
    patterns,
    DEFAULT_EXCLUDED_INTERFACES.map((pattern) => new RegExp(pattern)),
  ),
  'announce-every-seconds': z._default(numberWithin(1, 3600), 120),
  'exclude-label': z._default(choice('obey', 'ignore'), 'obey'),
  'cordoned-nodes': z._default(choice('serve', 'avoid'), 'serve'),
  'kube-proxy-health': z._default(
    z.string().check(z.refine((text) => text === 'off' || isHttpUrl(text), 'wanted a URL with http:// or off')),
    'http://127.0.0.1:10256/healthz',
  ),
  engine: z._default(choice('auto', ...ENGINES), 'auto'),
  'heartbeat-ms': z._default(wholeNumberWithin(5, 1000), 25),
  'dead-after-ms': z._default(wholeNumberWithin(20, 30_000), 200),
  rebalance: z._default(choice('off', 'gradual'), 'off'),
});

function isHttpUrl(text: string): boolean {
  return text.startsWith('http://') && URL.canParse(text);
}

/** Reads the options. An empty text counts as not given. */
export function readConfig(argv: readonly string[], environment: NodeJS.ProcessEnv): ReadConfig {
  const read = readOptions({ schema: OPTIONS, environmentNames: ENVIRONMENT }, argv, environment);
  if (!read.ok) return read;
  const times = timingOf({
    intervalMs: read.options['heartbeat-ms'],
    deadAfterMs: read.options['dead-after-ms'],
  });
  // What is wrong with a number by itself was told by now; this is about the two together.
  if (!times.ok) return { ok: false, problems: times.problems.map((problem) => `--dead-after-ms: ${problem}`) };
  return { ok: true, config: toConfig(read.options, times.timing) };
}

function toConfig(options: z.infer<typeof OPTIONS>, timing: Timing): SpeakerConfig {
  return {
    nodeName: options['node-name'],
    namespace: options.namespace,
    loadBalancerClass: options['load-balancer-class'],
    kubeconfig: options.kubeconfig,
    metricsAddress: options['metrics-address'],
    logLevel: options['log-level'],
    excludedInterfaces: options['exclude-interfaces'],
    announceEverySeconds: options['announce-every-seconds'],
    eligibility: { excludeLabel: options['exclude-label'], cordoned: options['cordoned-nodes'] },
    kubeProxyHealth: options['kube-proxy-health'],
    engine: options.engine,
    timing,
    rebalance: options.rebalance,
  };
}
