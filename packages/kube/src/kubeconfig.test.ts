// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { isKubeError } from './errors.ts';
import { type AccessChoice, findAccess } from './kubeconfig.ts';

const VARIABLES = ['KUBECONFIG', 'HOME', 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'] as const;

/** A kubeconfig with a context of each name; the first is the current one. */
function kubeconfig(...names: string[]): string {
  return JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': names[0] },
    clusters: names.map((name) => ({ name: `${name}-cluster`, cluster: { server: `https://${name}.example/` } })),
    users: names.map((name) => ({ name: `${name}-user`, user: { token: `${name}-token` } })),
    contexts: names.map((name) => ({
      name,
      context: { cluster: `${name}-cluster`, user: `${name}-user`, namespace: `${name}-namespace` },
    })),
  });
}

describe('findAccess', () => {
  let folder: string;
  let before: Readonly<Record<string, string | undefined>>;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'berth-kubeconfig-'));
    before = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]));
    for (const name of VARIABLES) delete process.env[name];
    process.env.HOME = folder;
  });

  afterEach(() => {
    for (const name of VARIABLES) delete process.env[name];
    for (const [name, value] of Object.entries(before)) if (value !== undefined) process.env[name] = value;
    rmSync(folder, { recursive: true });
  });

  function file(name: string, text: string): string {
    const path = join(folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  function inPod(): void {
    process.env.KUBERNETES_SERVICE_HOST = '192.0.2.1';
    process.env.KUBERNETES_SERVICE_PORT = '443';
  }

  async function found(choice: AccessChoice = {}): Promise<string> {
    const access = await findAccess(new FakeClock(), choice);
    const { headers } = await access.credentials();
    const as = headers['Impersonate-User'] === undefined ? '' : ` as ${headers['Impersonate-User']}`;
    return `${access.server} ${headers.Authorization} ${access.namespace}${as}`;
  }

  async function refused(choice: AccessChoice = {}): Promise<string> {
    const error: unknown = await findAccess(new FakeClock(), choice).then(
      () => 'no error',
      (one: unknown) => one,
    );
    return isKubeError(error, 'no-access') ? error.message : String(error);
  }

  it('CF-21: goes by --kubeconfig, then KUBECONFIG, then ~/.kube/config, each before the credentials of a pod', async () => {
    inPod();
    file('.kube/config', kubeconfig('home'));
    expect(await found()).to.equal('https://home.example Bearer home-token home-namespace');
    process.env.KUBECONFIG = file('env', kubeconfig('env'));
    expect(await found()).to.equal('https://env.example Bearer env-token env-namespace');
    expect(await found({ kubeconfig: file('flag', kubeconfig('flag')) })).to.include('https://flag.example');
    expect(await found({ kubeconfig: '' })).to.include('https://env.example');
  });

  it('CF-21: takes a file that is named and missing for an error, in a pod too', async () => {
    inPod();
    expect(await refused({ kubeconfig: '/nope/a' })).to.equal('--kubeconfig: there is no file /nope/a');
    process.env.KUBECONFIG = '/nope/a:/nope/b';
    expect(await refused()).to.equal('KUBECONFIG: there is no file /nope/a or /nope/b');
  });

  it('CF-21: says that there is none outside a pod', async () => {
    expect(await refused())
      .to.include('no kubeconfig')
      .and.include(join(folder, '.kube', 'config'));
  });

  it('CF-21: refuses names of a kubeconfig where there is only the pod', async () => {
    inPod();
    expect(await refused({ context: 'prod' }))
      .to.include('"prod"')
      .and.include('ServiceAccount of this pod');
  });

  it('CF-21: reads the files of KUBECONFIG together, the first entry of a name counts, missing files are skipped', async () => {
    const second = kubeconfig('two', 'one').replace('https://one.example/', 'https://other.example/');
    process.env.KUBECONFIG = [file('a', kubeconfig('one')), join(folder, 'missing'), file('b', second)].join(':');
    expect(await found()).to.include('https://one.example Bearer one-token');
    expect(await found({ context: 'two' })).to.include('https://two.example Bearer two-token');
  });

  it('CF-21: reads over an empty file among those of KUBECONFIG', async () => {
    process.env.KUBECONFIG = [file('a', ' \n'), file('b', kubeconfig('one'))].join(':');
    expect(await found()).to.include('https://one.example Bearer one-token');
  });

  for (const server of ['192.0.2.1:6443', 'localhost:6443', 'ssh://one.example']) {
    it(`CF-22: says where the server ${server} stands, which is no address of an API server`, async () => {
      const path = file('a', kubeconfig('one').replace('https://one.example/', server));
      const message = `kubeconfig ${path}: server "${server}" of cluster "one-cluster" begins with no https://`;
      expect(await refused({ kubeconfig: path })).to.equal(message);
    });
  }

  it('CF-22: takes another context, cluster, user, and acts as somebody', async () => {
    const path = file('a', kubeconfig('one', 'two'));
    const of = (choice: AccessChoice) => found({ kubeconfig: path, ...choice });
    expect(await of({ context: 'two' })).to.equal('https://two.example Bearer two-token two-namespace');
    expect(await of({ cluster: 'two-cluster' })).to.equal('https://two.example Bearer one-token one-namespace');
    expect(await of({ user: 'two-user' })).to.equal('https://one.example Bearer two-token one-namespace');
    expect(await of({ as: 'jane' })).to.equal('https://one.example Bearer one-token one-namespace as jane');
  });

  for (const [choice, message] of [
    [{ context: 'x' }, 'there is no context "x", only one, two'],
    [{ cluster: 'x' }, 'there is no cluster "x", only one-cluster, two-cluster'],
    [{ user: 'x' }, 'there is no user "x", only one-user, two-user'],
  ] as const) {
    it(`CF-22: says what there is instead of ${JSON.stringify(choice)}`, async () => {
      expect(await refused({ kubeconfig: file('a', kubeconfig('one', 'two')), ...choice })).to.include(message);
    });
  }

  it('CF-22: asks for a context where none is the current one', async () => {
    const path = file('a', kubeconfig('one').replace('"current-context":"one",', ''));
    expect(await refused({ kubeconfig: path })).to.include('name one by --context');
    expect(await found({ kubeconfig: path, context: 'one' })).to.include('https://one.example');
  });

  for (const text of ['', 'nonsense', '{', '[]', '{"contexts": 3}']) {
    it(`CF-22: refuses ${JSON.stringify(text)} with the name of the file`, async () => {
      const path = file('a', text);
      expect(await refused({ kubeconfig: path })).to.include(`kubeconfig ${path}`);
    });
  }
});
