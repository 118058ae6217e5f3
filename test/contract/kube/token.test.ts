// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ClusterAccess,
  type ConfigMap,
  configMaps,
  inClusterAccess,
  KubeClient,
  kubeconfigAccess,
  Reflector,
  Store,
  secrets,
} from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { type Cluster, makeNamespace, restartApiServer, sharedCluster } from '../support/cluster.ts';
import { until } from '../support/until.ts';

const ACCOUNT = 'reader';

describe('access to the API server', () => {
  let cluster: Cluster;
  let namespace: string;
  let folder: string;

  before(async () => {
    cluster = await sharedCluster();
  });

  beforeEach(async () => {
    namespace = await makeNamespace(cluster.client);
    folder = await mkdtemp(join(tmpdir(), 'berth-contract-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  /** A token that is good only as long as the Secret of that name exists. */
  async function tokenBoundTo(secret: string): Promise<string> {
    await cluster.client.create(secrets, { metadata: { namespace, name: secret } });
    const args = ['create', 'token', ACCOUNT, '-n', namespace, '--bound-object-kind=Secret'];
    return (await cluster.lab.kubectl([...args, `--bound-object-name=${secret}`])).trim();
  }

  async function mountServiceAccount(token: string): Promise<void> {
    const { tls } = await cluster.access.credentials();
    await writeFile(join(folder, 'ca.crt'), tls.ca ?? '');
    await writeFile(join(folder, 'namespace'), namespace);
    await writeFile(join(folder, 'token'), token);
  }

  it('goes on with a rotated ServiceAccount token, for requests and for watches', async () => {
    const rules = ['create', 'role', 'reader', '-n', namespace, '--verb=get,list,watch', '--resource=configmaps'];
    await cluster.lab.kubectl(rules);
    const subject = `--serviceaccount=${namespace}:${ACCOUNT}`;
    await cluster.lab.kubectl(['create', 'rolebinding', 'reader', '-n', namespace, '--role=reader', subject]);
    // The controller manager makes `default` in each namespace, but after a restart of the API server it may take half
    // a minute to see one.
    await cluster.lab.kubectl(['create', 'serviceaccount', ACCOUNT, '-n', namespace]);
    const first = await tokenBoundTo('first');
    await mountServiceAccount(first);
    await cluster.client.create(configMaps, { metadata: { namespace, name: 'early' } });
    const client = new KubeClient({
      clock: systemClock,
      access: inClusterAccess({ clock: systemClock, root: folder, server: cluster.access.server }),
    });
    const store = new Store<ConfigMap>();
    const reflector = new Reflector({
      clock: systemClock,
      api: client,
      kind: configMaps,
      store,
      selection: { namespace },
    });
    reflector.start();
    await reflector.ready;

    await writeFile(join(folder, 'token'), await tokenBoundTo('second'));
    await cluster.client.delete(secrets, { namespace, name: 'first' });
    const stale = new KubeClient({ clock: systemClock, access: await accessWith(first) });
    await until(async () => {
      const refusal = await stale.list(configMaps, { namespace }).catch((error: unknown) => error);
      expect(refusal).to.have.property('code', 'unauthorized');
    }, 30_000);

    expect(await namesIn(client.list(configMaps, { namespace }))).to.include('early');
    await restartApiServer(cluster, 'crash');
    await cluster.client.create(configMaps, { metadata: { namespace, name: 'late' } });
    await until(() => expect(store.get(`${namespace}/late`)).to.not.equal(undefined), 30_000);
    await reflector.stop();
    client.close();
  });

  async function namesIn(page: Promise<{ readonly items: readonly ConfigMap[] }>): Promise<string[]> {
    return (await page).items.map(({ metadata }) => metadata.name);
  }

  /** Access with one token for ever. */
  async function accessWith(token: string): Promise<ClusterAccess> {
    const { tls } = await cluster.access.credentials();
    const credentials = async () => ({ headers: { Authorization: `Bearer ${token}` }, tls });
    return { server: cluster.access.server, namespace: undefined, credentials, invalidate: () => {} };
  }

  it('uses what an exec plug-in of a kubeconfig prints', async () => {
    const config = JSON.parse(await cluster.lab.kubectl(['config', 'view', '--raw', '--flatten', '-o', 'json']));
    const token: unknown = config.users[0].user.token;
    const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } };
    await writeFile(join(folder, 'plugin.sh'), `#!/bin/sh\ncat <<'END'\n${JSON.stringify(credential)}\nEND\n`, {
      mode: 0o755,
    });
    config.users[0].user = {
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: join(folder, 'plugin.sh'),
        interactiveMode: 'Never',
      },
    };
    await writeFile(join(folder, 'config'), JSON.stringify(config));
    const client = new KubeClient({
      clock: systemClock,
      access: await kubeconfigAccess(systemClock, join(folder, 'config')),
    });
    expect(await client.raw('/version')).to.have.property('gitVersion');
    client.close();
  });
});
