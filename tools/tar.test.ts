// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { writeOciArchive } from './oci-archive.ts';
import { entriesOf, tarStream } from './tar.ts';

let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'berth-tar-'));
});

afterEach(() => rmSync(work, { recursive: true }));

/** The same tree, made in another order, with other times and another umask. */
function makeTree(name: string, order: 'first' | 'second'): string {
  const root = join(work, name);
  mkdirSync(join(root, 'bin'), { recursive: true });
  const files: [string, string, number][] = [
    ['bin/tool', 'run me', 0o755],
    ['bin/text', 'read me', 0o644],
  ];
  for (const [file, text, mode] of order === 'first' ? files : files.toReversed()) {
    writeFileSync(join(root, file), text);
    chmodSync(join(root, file), order === 'first' ? mode : mode & 0o700);
    utimesSync(join(root, file), 1, order === 'first' ? 2 : 3);
  }
  symlinkSync('tool', join(root, 'bin', 'alias'));
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
  return root;
}

describe('tarStream', () => {
  it('gives what tar(1) reads, sorted, with plain modes', async () => {
    const file = join(work, 'x.tar');
    writeFileSync(file, await buffer(tarStream(entriesOf(makeTree('a', 'second')))));
    const listed = execFileSync('tar', ['--list', '--verbose', '--numeric-owner', '--file', file], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
    });
    expect(listed.trimEnd().split('\n')).to.deep.equal([
      'drwxr-xr-x 0/0               0 1970-01-01 00:00 bin/',
      'lrwxrwxrwx 0/0               0 1970-01-01 00:00 bin/alias -> tool',
      '-rw-r--r-- 0/0               7 1970-01-01 00:00 bin/text',
      '-rwxr-xr-x 0/0               6 1970-01-01 00:00 bin/tool',
      'drwxrwxrwt 0/0               0 1970-01-01 00:00 tmp/',
    ]);
  });

  it('holds a path of any length', async () => {
    const paths = [`${'d'.repeat(90)}/${'f'.repeat(90)}`, `${'d'.repeat(200)}/${'f'.repeat(200)}`];
    const file = join(work, 'x.tar');
    const entries = paths.map((path) => ({ path, mode: 0o644, body: Buffer.from('x') }));
    writeFileSync(file, await buffer(tarStream(entries)));
    const listed = execFileSync('tar', ['--list', '--file', file], { encoding: 'utf8' });
    expect(listed.trimEnd().split('\n')).to.deep.equal(paths);
  });

  it('fails for a file that is shorter than it was said to be', async () => {
    const file = join(work, 'short');
    writeFileSync(file, 'x');
    const entry = { path: 'short', mode: 0o644, body: { file, lengthBytes: 2 } };
    const failure = await buffer(tarStream([entry])).catch((error: unknown) => error);
    expect(failure)
      .to.be.instanceOf(Error)
      .with.property('message')
      .that.matches(/size mismatch/i);
  });
});

describe('writeOciArchive', () => {
  const write = async (root: string, name: string, compression: 'gzip' | 'none') => {
    const output = join(work, name);
    const config = { Entrypoint: ['/bin/tool'] };
    const written = await writeOciArchive({
      rootFolder: root,
      reference: 'localhost/x:dev',
      config,
      output,
      compression,
    });
    return { ...written, bytes: readFileSync(output) };
  };

  for (const compression of ['gzip', 'none'] as const) {
    it(`writes the same bytes for the same tree (${compression})`, async () => {
      const first = await write(makeTree('a', 'first'), 'a.tar', compression);
      const second = await write(makeTree('b', 'second'), 'b.tar', compression);
      expect(second.digest).to.equal(first.digest);
      expect(second.bytes.equals(first.bytes)).to.equal(true);
    });
  }

  it('is an OCI layout and a docker archive with the name in both', async () => {
    await write(makeTree('a', 'first'), 'a.tar', 'gzip');
    const read = (path: string) =>
      execFileSync('tar', ['--extract', '--to-stdout', '--file', join(work, 'a.tar'), path]);
    const index = JSON.parse(read('index.json').toString());
    const [docker] = JSON.parse(read('manifest.json').toString());
    const manifest = JSON.parse(read(`blobs/${index.manifests[0].digest.replace(':', '/')}`).toString());
    expect(index.manifests[0].annotations['io.containerd.image.name']).to.equal('localhost/x:dev');
    expect(docker.RepoTags).to.deep.equal(['localhost/x:dev']);
    expect(docker.Config).to.equal(`blobs/${manifest.config.digest.replace(':', '/')}`);
    expect(read(docker.Layers[0])).to.have.length(manifest.layers[0].size);
  });

  it('leaves nothing beside the output when it fails', async () => {
    const config = {};
    const output = join(work, 'out.tar');
    const failed = await writeOciArchive({ rootFolder: join(work, 'none'), reference: 'x:y', config, output }).catch(
      (error: unknown) => error,
    );
    expect(failed).to.be.instanceOf(Error);
    expect(execFileSync('ls', ['-A', work], { encoding: 'utf8' })).to.equal('');
  });
});
