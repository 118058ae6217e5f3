// SPDX-License-Identifier: Apache-2.0

// Every granted verb is used and none is missing: the manifests' roles against the API server's audit log. Runs after
// the tests that make Berth do everything it does (files run in the order of their names), and before it is
// uninstalled.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { KubeClient, kubeconfigAccess, leases } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import type { Lab } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { cluster, clusterTimeoutMs } from './cluster.ts';

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

interface Manifest {
  kind: string;
  metadata: { name: string };
  rules?: Rule[];
}

interface AuditEvent {
  user: { username: string };
  verb: string;
  objectRef?: { resource: string; subresource?: string; apiGroup?: string };
  responseStatus?: { code: number; message?: string };
}

/** Granted for what takes longer than a test, and the tests that show it on a clock of their own. */
const RARE: Record<string, string> = {
  // An Event that comes again is counted up, after ten minutes at the earliest.
  'controller patch events': 'packages/kube/src/event-recorder.test.ts',
  'speaker patch events': 'packages/kube/src/event-recorder.test.ts',
  // The cluster of these tests has no CRDs of MetalLB.
  'controller list metallb.io/ipaddresspools': 'test/contract/controller/metallb.test.ts',
  'controller watch metallb.io/ipaddresspools': 'test/contract/controller/metallb.test.ts',
  'controller list metallb.io/l2advertisements': 'test/contract/controller/metallb.test.ts',
  'controller watch metallb.io/l2advertisements': 'test/contract/controller/metallb.test.ts',
  'controller list apps/deployments': 'test/contract/controller/metallb.test.ts',
  'controller watch apps/deployments': 'test/contract/controller/metallb.test.ts',
};

const COMPONENTS = ['controller', 'speaker'];

/** A permission as `component verb group/resource`. */
const permission = (component: string, verb: string, group: string, resource: string) =>
  `${component} ${verb} ${group === '' ? resource : `${group}/${resource}`}`;

describe('the permissions of the manifests', () => {
  let lab: Lab;
  let events: AuditEvent[];

  before(async function bringUp() {
    this.timeout(clusterTimeoutMs);
    lab = await cluster();
    await contendForLease(lab);
    events = await auditEvents(lab);
  });

  it('lack none that was asked for', () => {
    const refused = events.filter(({ responseStatus }) => responseStatus?.code === 403);
    expect(refused.map(({ responseStatus }) => responseStatus?.message)).to.deep.equal([]);
  });

  it('contain none that was never used', async () => {
    const used = new Set(events.map(permissionOf));
    const granted = await grantedPermissions(lab);
    expect(granted).not.to.deep.equal([]);
    expect(granted.filter((each) => !used.has(each) && !(each in RARE))).to.deep.equal([]);
  });

  it('contain nothing rare that no other test shows', () => {
    for (const [rare, test] of Object.entries(RARE)) expect(existsSync(test), `${rare}: ${test}`).to.equal(true);
  });
});

async function auditEvents(lab: Lab): Promise<AuditEvent[]> {
  const log = await readFile(lab.auditLog, 'utf8');
  const all = log.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as AuditEvent]));
  return all.filter(({ objectRef, user }) => objectRef !== undefined && componentOf(user.username) !== undefined);
}

/** Writes to the leader's Lease until a renewal was overtaken and the leader has looked at it again. */
async function contendForLease(lab: Lab): Promise<void> {
  const client = new KubeClient({
    clock: systemClock,
    access: await kubeconfigAccess(systemClock, lab.kubeconfig),
    userAgent: 'contender',
  });
  const lease = { namespace: 'berth-system', name: 'controller' };
  const wanted = permission('controller', 'get', 'coordination.k8s.io', 'leases');
  let round = 0;
  await waitUntil({
    what: 'the leader to lose a race for its Lease',
    timeoutMs: 60_000,
    intervalMs: 0,
    probe: async () => {
      round += 1;
      const body = { metadata: { annotations: { 'example.com/round': String(round) } } };
      await client.patch(leases, lease, { type: 'merge', body });
      return round % 100 === 0 && (await auditEvents(lab)).some((event) => permissionOf(event) === wanted);
    },
  });
}

function componentOf(username: string): string | undefined {
  return COMPONENTS.find((component) => username === `system:serviceaccount:berth-system:${component}`);
}

function permissionOf({ user, verb, objectRef }: AuditEvent): string {
  const resource = [objectRef?.resource, objectRef?.subresource].filter(Boolean).join('/');
  return permission(componentOf(user.username) ?? '', verb, objectRef?.apiGroup ?? '', resource);
}

async function grantedPermissions(lab: Lab): Promise<string[]> {
  const documents = parseAllDocuments(await lab.kubectl(['kustomize', 'manifests']));
  const manifests = documents.map((document) => document.toJS() as Manifest);
  return manifests.flatMap(({ metadata, rules = [] }) => {
    const component = COMPONENTS.find((each) => metadata.name === each || metadata.name === `berth-${each}`);
    // Roles for people are bound to no one.
    return component === undefined ? [] : rules.flatMap((rule) => permissionsOf(component, rule));
  });
}

function permissionsOf(component: string, { apiGroups, resources, verbs }: Rule): string[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) => verbs.map((verb) => permission(component, verb, group, resource))),
  );
}
