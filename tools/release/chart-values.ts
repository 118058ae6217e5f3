// SPDX-License-Identifier: Apache-2.0

// The values of the Helm chart, each with its meaning, default and shape. values.yaml, its schema and the table of the
// chart's README are made from them. What the manifests say is the default is read from there, so that base and chart
// cannot differ.

import { toJSONSchema } from 'zod/mini';
import * as controller from '../../packages/controller/src/config.ts';
import * as speaker from '../../packages/speaker/src/config.ts';
import type { KubernetesObject, Kustomization } from './base.ts';

export type Component = 'controller' | 'speaker';

export interface ChartValue {
  /** From the root of values.yaml, as `image.tag`. */
  readonly path: string;
  readonly meaning: string;
  readonly initial: unknown;
  /** JSON Schema of the value. */
  readonly schema: object;
}

/** The parts of a pod's template that values reach. */
export interface Workload extends KubernetesObject {
  readonly spec: {
    replicas?: number;
    updateStrategy?: unknown;
    readonly template: {
      readonly metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
      readonly spec: PodSpec;
    };
  };
}

export interface PodSpec {
  nodeSelector?: unknown;
  tolerations?: unknown;
  affinity?: unknown;
  priorityClassName?: string;
  imagePullSecrets?: unknown;
  readonly volumes?: unknown[];
  readonly containers: readonly Container[];
}

export interface Container {
  readonly name: string;
  image: string;
  imagePullPolicy: string;
  args: string[];
  resources: unknown;
  readonly env: unknown[];
  readonly volumeMounts?: unknown[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly ports: { name: string; containerPort: number }[];
}

interface Probe {
  readonly httpGet: { port: string };
}

const STRING = { type: 'string' } as const;
const OBJECT = { type: 'object' } as const;
const LIST = { type: 'array' } as const;

/** Options that the manifests set by themselves, or that mean nothing in a pod. */
const NOT_OPTIONS = [
  ...['namespace', 'kubeconfig', 'identity', 'node-name', 'load-balancer-class'],
  ...['metrics-address', 'metrics-auth', 'metrics-cert-folder', 'health-address'],
];

/** Where a daemon serves health when metrics ask for a token: the defaults of its options. */
export const HEALTH_PORTS = { controller: 7483, speaker: 7484 } as const;

const DAEMONS = { controller, speaker } as const;

/** Names of the options of a daemon that the chart takes. */
export function optionNames(component: Component): string[] {
  return Object.keys(DAEMONS[component].ENVIRONMENT).filter((name) => !NOT_OPTIONS.includes(name));
}

export function chartValues(
  kustomization: Kustomization,
  workloads: Readonly<Record<Component, Workload>>,
): ChartValue[] {
  return [
    ...imageValues(kustomization),
    {
      path: 'loadBalancerClass',
      meaning: 'class of the Services that are ours; empty: `berth.dev/l2` and Services without a class',
      initial: '',
      schema: STRING,
    },
    {
      path: 'pools',
      meaning:
        'documents of the kinds IPAddressPool and L2Advertisement, for the ConfigMap `ip-address-pools`; it stays when the release is uninstalled. Empty: the ConfigMap is yours to write',
      initial: [],
      schema: { type: 'array', items: OBJECT },
    },
    {
      path: 'metricsAuth',
      meaning:
        '`token`: metrics over TLS, for those whose token may get /metrics (docs/monitoring.md); `none`: in plain, for everybody',
      initial: 'none',
      schema: { enum: ['none', 'token'] },
    },
    {
      path: 'metricsCertificate',
      meaning:
        'Secret of type kubernetes.io/tls for that, of cert-manager or yours; where it is missing the daemons make a certificate themselves',
      initial: 'metrics-tls',
      schema: STRING,
    },
    ...MONITORING_VALUES,
    ...(['controller', 'speaker'] as const).flatMap((component) => componentValues(component, workloads[component])),
  ];
}

const MONITORING_VALUES: readonly ChartValue[] = [
  {
    path: 'monitoring.podMonitor',
    meaning: 'a PodMonitor, for the Prometheus Operator to scrape all pods',
    initial: false,
    schema: { type: 'boolean' },
  },
  {
    path: 'monitoring.prometheusRule',
    meaning: 'a PrometheusRule with the alerts',
    initial: false,
    schema: { type: 'boolean' },
  },
  {
    path: 'monitoring.grafanaDashboard',
    meaning: "a ConfigMap with the dashboard, for the sidecar of Grafana's chart",
    initial: false,
    schema: { type: 'boolean' },
  },
  {
    path: 'monitoring.tlsConfig',
    meaning:
      'how the PodMonitor checks certificates where `metricsAuth` is `token`; with an authority of yours `ca` and `serverName`',
    initial: { insecureSkipVerify: true },
    schema: OBJECT,
  },
  {
    path: 'monitoring.labels',
    meaning: 'more labels of these, as the Prometheus Operator of your cluster selects them',
    initial: {},
    schema: OBJECT,
  },
];

function imageValues({ images }: Kustomization): ChartValue[] {
  const [image] = images;
  return [
    { path: 'image.repository', meaning: 'where nodes find the image', initial: image?.newName, schema: STRING },
    { path: 'image.tag', meaning: "empty: the chart's `appVersion`", initial: '', schema: STRING },
    {
      path: 'image.digest',
      meaning: '`sha256:...`; goes before the tag',
      initial: '',
      schema: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
    },
    {
      path: 'image.pullPolicy',
      meaning: 'when nodes pull it',
      initial: 'IfNotPresent',
      schema: { enum: ['Always', 'IfNotPresent', 'Never'] },
    },
    { path: 'imagePullSecrets', meaning: 'Secrets to pull it with', initial: [], schema: LIST },
  ];
}

function componentValues(component: Component, { spec }: Workload): ChartValue[] {
  const pod = spec.template.spec;
  const [container] = pod.containers;
  const at = (name: string, rest: Omit<ChartValue, 'path'>): ChartValue => ({ path: `${component}.${name}`, ...rest });
  const ofController: ChartValue[] = [
    at('replicas', {
      meaning: 'one leads, the others wait',
      initial: spec.replicas,
      schema: { type: 'integer', minimum: 1 },
    }),
  ];
  const ofSpeaker: ChartValue[] = [
    at('updateStrategy', { meaning: 'how nodes are updated', initial: spec.updateStrategy, schema: OBJECT }),
  ];
  return [
    ...(component === 'controller' ? ofController : ofSpeaker),
    at('options', {
      meaning: `options by name, as \`log-level: debug\`; docs/reference/options.md lists them`,
      initial: {},
      schema: optionsSchema(component),
    }),
    at('metricsPort', {
      meaning: 'port of metrics and health',
      initial: container?.ports[0]?.containerPort,
      schema: { type: 'integer', minimum: 1, maximum: 65_535 },
    }),
    at('healthPort', {
      meaning: 'port of health where `metricsAuth` is `token`',
      initial: HEALTH_PORTS[component],
      schema: { type: 'integer', minimum: 1, maximum: 65_535 },
    }),
    at('resources', { meaning: 'requests and limits', initial: container?.resources, schema: OBJECT }),
    at('priorityClassName', { meaning: 'priority of its pods', initial: pod.priorityClassName, schema: STRING }),
    at('nodeSelector', { meaning: 'nodes that it runs on', initial: pod.nodeSelector ?? {}, schema: OBJECT }),
    at('tolerations', { meaning: 'taints that it runs in spite of', initial: pod.tolerations ?? [], schema: LIST }),
    at('affinity', { meaning: 'where its pods go', initial: pod.affinity ?? {}, schema: OBJECT }),
    at('podLabels', { meaning: 'more labels of its pods', initial: {}, schema: OBJECT }),
    at('podAnnotations', { meaning: 'more annotations of its pods', initial: {}, schema: OBJECT }),
  ];
}

/** Each option of the daemon as it checks it itself; `null` counts as not given. */
function optionsSchema(component: Component): object {
  const { properties = {} } = toJSONSchema(DAEMONS[component].OPTIONS, { io: 'input', unrepresentable: 'any' });
  const shapes = optionNames(component).map((name) => {
    const { default: _, ...shape } = properties[name] as { default?: unknown };
    return [name, { anyOf: [shape, { type: 'null' }] }];
  });
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(shapes) };
}
