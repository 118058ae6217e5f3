// SPDX-License-Identifier: Apache-2.0
import { type Pod, pods } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { parse } from 'yaml';
import { parseCommandLine } from '../command-line.ts';
import { run } from '../run.ts';
import { CLIENT_VERSION, tagOf } from '../version-facts.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;

function podOf(component: string, node: string, { image, label }: { image: string; label?: string }): Pod {
  const labels = { 'app.kubernetes.io/component': component, ...(label && { 'app.kubernetes.io/version': label }) };
  return {
    metadata: { namespace: 'berth-system', name: `${component}-${node}`, labels },
    spec: { nodeName: node, containers: [{ name: component, image }] },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  } as unknown as Pod;
}

async function version(all: readonly Pod[], ...options: string[]) {
  const api = new FakeApi();
  for (const pod of all) await api.create(pods, pod);
  const said = { out: '', err: '' };
  const code = await run(parseCommandLine(['version', ...options]), {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    readFile: async () => '',
    connect: async () => ({ api, namespace: 'default' }),
    clock: new FakeClock(),
  });
  return { ...said, code };
}

const OWN = `localhost/berth:${CLIENT_VERSION}`;

describe('kubectl berth version', () => {
  it('CL-09: shows the version of the client and of each pod, and nothing else where they are the same', async () => {
    const other = { metadata: { namespace: 'berth-system', name: 'other' } } as Pod;
    const { out, code } = await version([
      podOf('speaker', 'edge-2', { image: OWN }),
      podOf('speaker', 'edge-1', { image: `registry.example:5000/berth@${DIGEST}`, label: CLIENT_VERSION }),
      podOf('controller', 'edge-1', { image: `${OWN}@${DIGEST}` }),
      other,
    ]);
    expect(code).to.equal(0);
    expect(out.trimEnd().split('\n')).to.deep.equal([
      `client  ${CLIENT_VERSION}`,
      'POD                NODE    VERSION  READY',
      `controller-edge-1  edge-1  ${CLIENT_VERSION}    yes`,
      `speaker-edge-1     edge-1  ${CLIENT_VERSION}    yes`,
      `speaker-edge-2     edge-2  ${CLIENT_VERSION}    yes`,
    ]);
  });

  it('CL-09: tells of pods of several versions', async () => {
    const all = [podOf('speaker', 'edge-1', { image: OWN }), podOf('speaker', 'edge-2', { image: 'berth:9.9.9' })];
    const { out } = await version(all);
    expect(out).to.include(`the pods have several versions: ${CLIENT_VERSION} (1 pod), 9.9.9 (1 pod)`);
    expect(JSON.parse((await version(all, '-o', 'json')).out)).to.include({ skew: 'pods' });
  });

  it('CL-17: an evicted pod of an older version is over', async () => {
    const evicted = { ...podOf('speaker', 'edge-2', { image: 'berth:0.0.1' }), status: { phase: 'Failed' } } as Pod;
    const { out } = await version([podOf('speaker', 'edge-1', { image: OWN }), evicted]);
    expect(out).to.not.match(/edge-2|several versions/);
  });

  it('CL-09: tells of a client of another version than all pods', async () => {
    const all = [podOf('speaker', 'edge-1', { image: 'berth:9.9.9' })];
    expect((await version(all)).out).to.include(`this client is of version ${CLIENT_VERSION}, the pods are of 9.9.9`);
    const json = JSON.parse((await version(all, '-o', 'json')).out);
    expect(parse((await version(all, '-o', 'yaml')).out)).to.deep.equal(json);
    expect((await version(all, '-o', 'wide')).out)
      .to.include('IMAGE')
      .and.include('berth:9.9.9');
  });

  it('CL-09: says so where there are no pods, and asks no cluster for its own alone', async () => {
    expect((await version([])).err).to.equal('there are no pods of Berth in namespace berth-system\n');
    const alone = await run(parseCommandLine(['version', '--client']), {
      ...{ out: () => {}, err: () => {}, readFile: async () => '', clock: new FakeClock() },
      connect: () => Promise.reject(new Error('no cluster')),
    });
    expect(alone).to.equal(0);
  });

  const images: { image: string; tag: string | undefined }[] = [
    { image: 'berth:0.1.0', tag: '0.1.0' },
    { image: 'registry.example:5000/team/berth:0.1.0', tag: '0.1.0' },
    { image: 'registry.example:5000/team/berth', tag: undefined },
    { image: `berth:0.1.0@${DIGEST}`, tag: '0.1.0' },
    { image: `berth@${DIGEST}`, tag: undefined },
    { image: '', tag: undefined },
  ];
  for (const { image, tag } of images)
    it(`takes ${tag ?? 'no tag'} from "${image}"`, () => {
      expect(tagOf(image)).to.equal(tag);
    });
});
