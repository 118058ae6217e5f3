// SPDX-License-Identifier: Apache-2.0

// What goes wrong on the cluster while its metrics are recorded, and which alerts fire of it, and no others.

import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';
import type { Lab } from '../lab/lab.ts';
import { rolledOut } from '../lab/rollout.ts';
import { scaleControllers } from '../support/controllers.ts';
import type { LanFaults } from '../support/lan-faults.ts';
import {
  applyObjects,
  BERTH_NAMESPACE,
  externalIpOf,
  poolsConfigMap,
  waitForExternalIp,
  webService,
} from '../support/workload.ts';

export interface Hands {
  readonly lab: Lab;
  readonly lan: LanFaults;
  /** Addresses of the pool. */
  readonly pool: string;
}

export interface StagedFault {
  readonly alerts: readonly string[];
  /** How long it is recorded. @default 30 */
  readonly seconds?: number;
  readonly begin: (hands: Hands) => Promise<void>;
  readonly end: (hands: Hands) => Promise<unknown>;
}

const NODE = 'node-3';
/** Addresses of the pool; Service `web-1` has one from the start. */
export const POOL_SIZE = 10;

export const FAULTS: Readonly<Record<string, StagedFault>> = {
  quiet: { alerts: [], begin: async () => {}, end: async () => {} },
  'controllers-gone': {
    alerts: ['BerthNoLeader'],
    begin: ({ lab }) => scaleControllers(lab, 0),
    end: ({ lab }) => scaleControllers(lab, 2),
  },
  'speaker-stopped': {
    alerts: ['BerthSpeakerMissing'],
    seconds: 45,
    begin: ({ lab }) => lab.freeze(NODE),
    end: ({ lab }) => lab.thaw(NODE),
  },
  'speaker-left-out': {
    alerts: ['BerthNodeWithoutSpeaker'],
    begin: async ({ lab }) => {
      await lab.kubectl(['label', 'node', NODE, 'monitoring=left-out']);
      await patchSpeakers(lab, [{ key: 'monitoring', operator: 'DoesNotExist' }]);
      await lab.kubectl(['delete', 'lease', `node-${NODE}`, '-n', BERTH_NAMESPACE, '--ignore-not-found']);
    },
    end: async ({ lab }) => {
      await patchSpeakers(lab, []);
      await lab.kubectl(['label', 'node', NODE, 'monitoring-']);
    },
  },
  'pool-nearly-full': {
    alerts: ['BerthPoolNearlyFull'],
    begin: ({ lab }) => fillPool(lab, POOL_SIZE - 1),
    end: ({ lab }) => fillPool(lab, 1),
  },
  'pool-full': {
    alerts: ['BerthPoolNearlyFull', 'BerthPoolFull'],
    begin: ({ lab }) => fillPool(lab, POOL_SIZE),
    end: ({ lab }) => fillPool(lab, 1),
  },
  'wish-refused': {
    alerts: ['BerthServiceRefused'],
    begin: async ({ lab }) => {
      await applyObjects(lab, webService('wish', { loadBalancerIP: '203.0.113.1' }));
    },
    end: ({ lab }) => lab.kubectl(['delete', 'service', 'wish']),
  },
  'no-endpoints': {
    alerts: ['BerthVipNotAnnounced'],
    begin: async ({ lab }) => {
      await applyObjects(lab, webService('empty', { externalTrafficPolicy: 'Local', selector: { app: 'none' } }));
    },
    end: ({ lab }) => lab.kubectl(['delete', 'service', 'empty']),
  },
  'stranger-answers': {
    alerts: ['BerthVipNotReachable'],
    seconds: 90,
    begin: async ({ lab }) => {
      await lab.exec('client', ['ip', 'address', 'add', `${await vipOf(lab)}/32`, 'dev', 'eth0']);
    },
    end: async ({ lab }) => lab.exec('client', ['ip', 'address', 'del', `${await vipOf(lab)}/32`, 'dev', 'eth0']),
  },
  'stranger-claims': {
    alerts: ['BerthAddressConflict'],
    begin: async ({ lab }) => {
      const vip = await vipOf(lab);
      await lab.exec('client', ['sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1']);
      // Announces the VIP as its own for as long as it is recorded; the program ends by itself.
      void lab.tryExec('client', ['arping', '-q', '-U', '-w', '30', '-I', 'eth0', '-s', vip, vip]);
    },
    end: ({ lab }) => lab.exec('client', ['sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=0']),
  },
  'speaker-stumbles': {
    alerts: ['BerthHeartbeatsLate'],
    begin: async ({ lab }) => {
      await lab.freeze(NODE);
      await delay(1_000);
      await lab.thaw(NODE);
    },
    end: async () => {},
  },
  'heartbeats-filtered': {
    alerts: ['BerthHeartbeatsLost'],
    begin: async ({ lan }) => {
      await lan.silence(NODE);
    },
    end: ({ lan }) => lan.heal(),
  },
  'node-cut-off': {
    alerts: ['BerthNodeCutOff', 'BerthSpeakerMissing'],
    seconds: 45,
    begin: async ({ lan }) => {
      await lan.split([NODE]);
    },
    end: ({ lan }) => lan.heal(),
  },
  'configuration-refused': {
    alerts: ['BerthConfigurationRefused'],
    begin: async ({ lab }) => {
      await applyObjects(lab, poolsConfigMap(['198.51.100.300']));
    },
    end: ({ lab, pool }) => applyObjects(lab, poolsConfigMap([pool])),
  },
  'writes-refused': {
    alerts: ['BerthWritesFailing'],
    begin: async ({ lab }) => {
      await applyObjects(lab, ...refusingPolicy());
      await delay(3_000);
      await applyObjects(lab, webService('unwritten'));
    },
    end: async ({ lab }) => {
      await lab.kubectl(['delete', 'validatingadmissionpolicybinding,validatingadmissionpolicy', 'monitoring']);
      await lab.kubectl(['delete', 'service', 'unwritten']);
    },
  },
  'owners-flap': {
    // A node without its cable cannot send a heartbeat either.
    alerts: ['BerthOwnersFlapping', 'BerthHeartbeatsLate'],
    seconds: 390,
    begin: async ({ lab }) => {
      // Enough for each node to own some.
      await fillPool(lab, 6);
      // One after the other, each while others can take over.
      void (async () => {
        for (const node of ['node-1', 'node-2', 'node-3']) {
          await lab.cable(node, 'down');
          await delay(2_000);
          await lab.cable(node, 'up');
          await delay(128_000);
        }
      })();
    },
    end: ({ lab }) => fillPool(lab, 1),
  },
};

/** Adds what a node must have for a speaker to run there. */
async function patchSpeakers(lab: Lab, more: readonly object[]): Promise<void> {
  const arch = { key: 'kubernetes.io/arch', operator: 'In', values: ['amd64', 'arm64'] };
  const terms = { nodeSelectorTerms: [{ matchExpressions: [arch, ...more] }] };
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } };
  const patch = { spec: { template: { spec: { affinity } } } };
  await lab.kubectl([
    'patch',
    'daemonset',
    'speaker',
    '-n',
    BERTH_NAMESPACE,
    '--type=merge',
    '-p',
    JSON.stringify(patch),
  ]);
  await rolledOut(lab, 'daemonset/speaker', BERTH_NAMESPACE);
}

/** Leaves so many Services, numbered from 1. */
async function fillPool(lab: Lab, count: number): Promise<void> {
  const names = Array.from({ length: POOL_SIZE }, (_, index) => `web-${index + 1}`);
  await applyObjects(lab, ...names.slice(0, count).map((name) => webService(name)));
  if (count < POOL_SIZE) await lab.kubectl(['delete', 'service', ...names.slice(count), '--ignore-not-found']);
  for (const name of names.slice(0, count)) await waitForExternalIp(lab, name);
}

async function vipOf(lab: Lab): Promise<string> {
  const ip = await externalIpOf(lab, 'web-1');
  if (ip === undefined) throw new Error('monitoring: Service web-1 has no address');
  return ip;
}

function refusingPolicy(): object[] {
  const text = `
- apiVersion: admissionregistration.k8s.io/v1
  kind: ValidatingAdmissionPolicy
  metadata: { name: monitoring }
  spec:
    failurePolicy: Fail
    matchConstraints:
      resourceRules: [{ apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [services/status] }]
    validations: [{ expression: "false", message: not today }]
- apiVersion: admissionregistration.k8s.io/v1
  kind: ValidatingAdmissionPolicyBinding
  metadata: { name: monitoring }
  spec: { policyName: monitoring, validationActions: [Deny] }
`;
  return parse(text) as object[];
}
