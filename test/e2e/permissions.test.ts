// SPDX-License-Identifier: Apache-2.0

// Every granted verb is used and none is missing: the manifests' roles against the API server's audit log. Runs after
// the tests that make Berth do everything it does (files run in the order of their names), and before it is uninstalled.

import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import type { Lab } from '../lab/lab.ts';
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
    const log = await readFile(lab.auditLog, 'utf8');
    events = log.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as AuditEvent]));
    events = events.filter(
      ({ objectRef, user }) => objectRef !== undefined && componentOf(user.username) !== undefined,
    );
  });

  it('lack none that was asked for', () => {
    const refused = events.filter(({ responseStatus }) => responseStatus?.code === 403);
    expect(refused.map(({ responseStatus }) => responseStatus?.message)).to.deep.equal([]);
  });

  it('contain none that was never used', async () => {
    const used = new Set(events.map(permissionOf));
    const granted = await grantedPermissions(lab);
    expect(granted).not.to.deep.equal([]);
    expect(granted.filter((each) => !used.has(each))).to.deep.equal([]);
  });
});

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
    const component = COMPONENTS.find((each) => metadata.name === each || metadata.name === `berth-${each}`) ?? '';
    return rules.flatMap((rule) => permissionsOf(component, rule));
  });
}

function permissionsOf(component: string, { apiGroups, resources, verbs }: Rule): string[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) => verbs.map((verb) => permission(component, verb, group, resource))),
  );
}
