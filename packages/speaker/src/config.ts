// SPDX-License-Identifier: Apache-2.0
/** The options of the speaker, by argument or environment. All problems are reported at once. */
import {
  DEFAULT_LOAD_BALANCER_CLASS,
  type EligibilityOptions,
  type NamePattern,
  type Rebalancing,
  type Timing,
  timingOf,
} from '@berth/core';
import { ENGINES, type WantedEngine } from '@berth/link';
import {
  type Clock,
  choice,
  LOG_FORMATS,
  LOG_LEVELS,
  type Log,
  type LogFormat,
  type LogLevel,
  listenAddress,
  numberWithin,
  readOptions,
  wholeNumberWithin,
} from '@berth/runtime';
import * as z from 'zod/mini';
import { interfacePatterns } from './interface-patterns.ts';

/** What every part of the process is given: it reads no time and writes no line by any other way. */
export interface ProcessParts {
  readonly config: SpeakerConfig;
  readonly log: Log;
  readonly clock: Clock;
}

export interface SpeakerConfig {
  /** Name of the Node that this process runs on. Argument `--node-name`, environment NODE_NAME. No default. */
  readonly nodeName: string;
  /** Namespace of Berth. `--namespace`, NAMESPACE. Default: berth-system. */
  readonly namespace: string;
  /** Class of the Services that are ours. `--load-balancer-class`. Default: berth.dev/l2. */
  readonly loadBalancerClass: string;
  /** Path of a kubeconfig, for running outside a pod. `--kubeconfig`. Default: the pod's service account. */
  readonly kubeconfig: string | undefined;
  /**
   * Where metrics and health are served, `HOST:PORT`, or `:PORT` for all addresses. `--metrics-address`. Default:
   * `:7481`.
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
  /** Where health is served then. `--health-address`. Default: `:7484`. */
  readonly healthAddress: { readonly host: string | undefined; readonly port: number };
  /** Least important message that is logged: error, warn, info or debug. `--log-level`. Default: info. */
  readonly logLevel: LogLevel;
  /** `json`, an object a line, or `text` for people. `--log-format`. Default: json. */
  readonly logFormat: LogFormat;
  /**
   * Interfaces that are never used: regular expressions, separated by commas. `default` among them stands for the
   * default, those of container networks and the like (core's DEFAULT_EXCLUDED_INTERFACES); `!EXPRESSION` names
   * interfaces that are used all the same. `--exclude-interfaces`.
   */
  readonly excludedInterfaces: readonly NamePattern[];
  /** Seconds between announcements once the first ones are out. `--announce-every-seconds`. Default: 120. */
  readonly announceEverySeconds: number;
  /**
   * Which nodes may own VIPs; the same on all nodes. `--exclude-label`: `obey` or `ignore`
   * node.kubernetes.io/exclude-from-external-load-balancers, default obey. `--cordoned-nodes`: they `serve`, or VIPs
   * `avoid` them, default serve.
   */
  readonly eligibility: Required<EligibilityOptions>;
  /**
   * URL that the kube-proxy of this node answers with 200 while it is well, or `off`. A node whose kube-proxy is not
   * well for ten seconds hands its VIPs over to nodes where it is. `--kube-proxy-health`. Default:
   * `http://127.0.0.1:10256/healthz`.
   */
  readonly kubeProxyHealth: string;
  /**
   * What answers: `kernel` (a program by TCX links, Linux 6.6), `kernel-clsact` (the same on older kernels),
   * `packet-socket` (a thread), or `auto`, the first of these that can be had. `--engine`. Default: auto.
   */
  readonly engine: WantedEngine;
  /**
   * The times of heartbeats: `--heartbeat-ms`, milliseconds between two of them, 5 to 1000, default 25; and
   * `--dead-after-ms`, milliseconds of silence after which peers take over, at least four heartbeats, default 200.
   * `--takeover-patience-ms`: how long a node that hears neither most of the others nor a gateway or client waits
   * before it takes VIPs of others that hosts ask for, provisionally; 0 to 60000, default 2000.
   */
  readonly timing: Timing;
  /**
   * Folder of the file with what was known last, for a start without an API server. `--state-folder`. Default: no file
   * is written or read.
   */
  readonly stateFolder: string | undefined;
  /**
   * Folder in which the Secret `heartbeat` is mounted, for the same start. `--heartbeat-folder`. Default: the keys come
   * from the API server only.
   */
  readonly heartbeatFolder: string | undefined;
  /**
   * Socket of the keeper, a second container of the pod that holds the program of `serve: every-node` for two seconds
   * after this process is gone; a path of at most 107 bytes. `--keeper-socket`. Default: there is no keeper.
   */
  readonly keeperSocket: string | undefined;
  /**
   * UDP port of heartbeats between node addresses, for networks that drop the raw ones; the same on all nodes, 0: none.
   * `--heartbeat-port`. Default: 7482. Undefined: none.
   */
  readonly heartbeatPort: number | undefined;
  /** Which VIPs move to better nodes by themselves. `--rebalance`: off, unbroken or gradual. Default: unbroken. */
  readonly rebalance: Rebalancing;
  /**
   * What becomes of connections when a VIP is handed over on purpose: `keep-connections`, the next owner passes them on
   * to the node that has them until they end; or `plain`, they break. `--planned-moves`. Default: keep-connections.
   */
  readonly plannedMoves: 'keep-connections' | 'plain';
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
  'metrics-auth': 'METRICS_AUTH',
  'metrics-cert-folder': 'METRICS_CERT_FOLDER',
  'health-address': 'HEALTH_ADDRESS',
  'log-level': 'LOG_LEVEL',
  'log-format': 'LOG_FORMAT',
  'exclude-interfaces': 'EXCLUDE_INTERFACES',
  'announce-every-seconds': 'ANNOUNCE_EVERY_SECONDS',
  'exclude-label': 'EXCLUDE_LABEL',
  'cordoned-nodes': 'CORDONED_NODES',
  'kube-proxy-health': 'KUBE_PROXY_HEALTH',
  engine: 'ENGINE',
  'heartbeat-ms': 'HEARTBEAT_MS',
  'dead-after-ms': 'DEAD_AFTER_MS',
  'heartbeat-port': 'HEARTBEAT_PORT',
  'takeover-patience-ms': 'TAKEOVER_PATIENCE_MS',
  rebalance: 'REBALANCE',
  'planned-moves': 'PLANNED_MOVES',
  'state-folder': 'STATE_FOLDER',
  'heartbeat-folder': 'HEARTBEAT_FOLDER',
  'keeper-socket': 'KEEPER_SOCKET',
} as const;

const name = z.string().check(z.minLength(1));

/** Checks the options, and fills in the defaults. */
export const OPTIONS = z.object({
  'node-name': z.string('wanted the name of this node').check(z.minLength(1, 'wanted the name of this node')),
  namespace: z._default(name, 'berth-system'),
  'load-balancer-class': z._default(name, DEFAULT_LOAD_BALANCER_CLASS),
  kubeconfig: z.optional(z.string()),
  'metrics-address': z._default(listenAddress, { host: undefined, port: 7481 }),
  'metrics-auth': z._default(choice('none', 'token'), 'none'),
  'metrics-cert-folder': z.optional(z.string()),
  'health-address': z._default(listenAddress, { host: undefined, port: 7484 }),
  'log-level': z._default(choice(...LOG_LEVELS), 'info'),
  'log-format': z._default(choice(...LOG_FORMATS), 'json'),
  'exclude-interfaces': interfacePatterns,
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
  'heartbeat-port': z._default(wholeNumberWithin(0, 65_535), 7482),
  'takeover-patience-ms': z._default(wholeNumberWithin(0, 60_000), 2000),
  rebalance: z._default(choice('off', 'unbroken', 'gradual'), 'unbroken'),
  'planned-moves': z._default(choice('keep-connections', 'plain'), 'keep-connections'),
  'state-folder': z.optional(z.string()),
  'heartbeat-folder': z.optional(z.string()),
  'keeper-socket': z.optional(
    z.string().check(z.refine((path) => Buffer.byteLength(path) <= 107, 'wanted a path of at most 107 bytes')),
  ),
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
    takeoverPatienceMs: read.options['takeover-patience-ms'],
  });
  // Each number by itself was checked before; this is about the two together.
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
    metricsAuth: options['metrics-auth'],
    metricsCertFolder: options['metrics-cert-folder'],
    healthAddress: options['health-address'],
    logLevel: options['log-level'],
    logFormat: options['log-format'],
    excludedInterfaces: options['exclude-interfaces'],
    announceEverySeconds: options['announce-every-seconds'],
    eligibility: { excludeLabel: options['exclude-label'], cordoned: options['cordoned-nodes'] },
    kubeProxyHealth: options['kube-proxy-health'],
    engine: options.engine,
    heartbeatPort: options['heartbeat-port'] === 0 ? undefined : options['heartbeat-port'],
    timing,
    rebalance: options.rebalance,
    plannedMoves: options['planned-moves'],
    stateFolder: options['state-folder'],
    heartbeatFolder: options['heartbeat-folder'],
    keeperSocket: options['keeper-socket'],
  };
}
