// SPDX-License-Identifier: Apache-2.0
import { type KubeObject, type NewObject, type Resource, services } from '@berth/kube';
import { expect } from 'chai';
import { ipsOf, type Rig, useRig } from '../support/rig.ts';
import { until } from '../support/until.ts';

const RANGE = { lan: { addresses: ['203.0.113.40-203.0.113.79'] } };

const GROUP = 'admissionregistration.k8s.io/v1';
const clusterWide = (kind: string, plural: string): Resource<KubeObject> => ({
  apiVersion: GROUP,
  kind,
  plural,
  namespaced: false,
});
const policies = clusterWide('ValidatingAdmissionPolicy', 'validatingadmissionpolicies');
const bindings = clusterWide('ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings');

/** How long it takes to serve all after the repair, at most. */
const REPAIR_MS = 10_000;

/** What a policy refuses; `expression` is true for what may pass. */
interface Refusal {
  readonly resource: string;
  readonly namespace: string;
  readonly expression: string;
}

/** Refuses writes as a webhook does, until the returned function is called; resolves when it is in force. */
async function refuse(rig: Rig, { resource, namespace, expression }: Refusal): Promise<() => Promise<void>> {
  const name = `refuse-${namespace}`;
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: [resource] };
  const inNamespace = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
  const policy = {
    metadata: { name },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: { resourceRules: [rule], namespaceSelector: inNamespace },
      validations: [{ expression, message: 'not today' }],
    },
  };
  const binding = { metadata: { name }, spec: { policyName: name, validationActions: ['Deny'] } };
  await rig.client.create(policies, policy as unknown as NewObject<KubeObject>);
  await rig.client.create(bindings, binding as unknown as NewObject<KubeObject>);
  return async () => {
    await rig.client.delete(bindings, { name });
    await rig.client.delete(policies, { name });
  };
}

/** Waits until a policy is in force: writes of a Service's status are refused. */
async function isRefusing(rig: Rig, probe: string): Promise<void> {
  let count = 0;
  await until(async () => {
    count += 1;
    const conditions = [{ type: 'example.com/Probe', status: 'True', reason: 'Probe', message: `${count}` }];
    const stamped = conditions.map((one) => ({ ...one, lastTransitionTime: new Date().toISOString() }));
    // Beside those of others: Berth's own must stay, or the probe is a second writer.
    const present = (await rig.get(probe)).status?.conditions ?? [];
    const others = present.filter(({ type }) => type !== 'example.com/Probe');
    const failed = await rig.editStatus(probe, { conditions: [...others, ...stamped] }).then(
      () => false,
      () => true,
    );
    expect(failed, 'the policy is in force').to.equal(true);
  }, 30_000);
}

const metric = async (text: Promise<string>, pattern: RegExp) => Number(pattern.exec(await text)?.[1] ?? 0);

describe('writes that an admission policy refuses', () => {
  const use = useRig();
  let mend = async () => {};

  afterEach(async () => {
    await mend().catch(() => {});
    mend = async () => {};
  });

  it('ER-01, ER-02: the status of one Service: it is told, its batch is served, and it is served within 10 s after', async () => {
    const { rig } = use;
    await rig.service('refused', { spec: { loadBalancerClass: 'example.com/none' } });
    mend = await refuse(rig, {
      resource: 'services/status',
      namespace: rig.shop,
      expression: "!object.metadata.name.startsWith('refused')",
    });
    await isRefusing(rig, 'refused');
    await rig.delete('refused');
    await Promise.all(['refused-new', 'a', 'b', 'c'].map((name) => rig.service(name)));
    const { controller } = await rig.start();
    await rig.pools(RANGE);
    for (const name of ['a', 'b', 'c']) {
      await until(async () => expect(ipsOf(await rig.get(name)), name).to.have.length(1), 3_000);
    }
    await rig.hasEvents('refused-new', ['UpdateFailed']);
    expect(await metric(controller.metrics.text(), /unwritable_services\{what="status"\} (\d+)/)).to.equal(1);
    await mend();
    await until(async () => expect(ipsOf(await rig.get('refused-new'))).to.have.length(1), REPAIR_MS + 5_000);
  }).timeout(120_000);

  it('ER-01: deleted while its status is refused: it goes within 10 s after', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools(RANGE);
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    mend = await refuse(rig, { resource: 'services/status', namespace: rig.shop, expression: 'false' });
    await isRefusing(rig, 'web');
    await rig.delete('web');
    await rig.hasEvents('web', ['IPAllocated', 'UpdateFailed']);
    expect((await rig.get('web')).metadata.deletionTimestamp).to.not.equal(undefined);
    await mend();
    await until(async () => {
      const { items } = await rig.client.list(services, { namespace: rig.shop });
      expect(items).to.deep.equal([]);
    }, REPAIR_MS + 5_000);
  }).timeout(120_000);

  it('ER-04: the ledger for more than a minute: told on the Services that wait, counted, and made good within 10 s', async () => {
    const { rig } = use;
    const { controller } = await rig.start();
    await rig.pools(RANGE);
    await rig.service('served');
    await rig.has('served', '203.0.113.40');
    mend = await refuse(rig, {
      resource: 'configmaps',
      namespace: rig.system,
      expression: "!object.metadata.name.startsWith('ledger')",
    });
    await until(async () => {
      const touched = await rig.touchConfigMap('ledger').then(
        () => true,
        () => false,
      );
      expect(touched).to.equal(false);
    }, 30_000);
    for (const name of ['a', 'b']) await rig.service(name);
    await until(
      async () => expect((await rig.eventsOf('a')).map(({ reason }) => reason)).to.include('LedgerUnwritable'),
      90_000,
      500,
    );
    expect((await rig.eventsOf('served')).map(({ reason }) => reason)).to.deep.equal(['IPAllocated']);
    const text = controller.metrics.text();
    expect(await metric(text, /unwritable_services\{what="ledger"\} (\d+)/)).to.equal(2);
    expect(await metric(text, /api_errors_total\{code="invalid"\} (\d+)/)).to.be.greaterThan(5);
    await mend();
    for (const name of ['a', 'b']) {
      await until(async () => expect(ipsOf(await rig.get(name)), name).to.have.length(1), REPAIR_MS + 5_000);
    }
  }).timeout(240_000);
});
