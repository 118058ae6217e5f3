// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { obstacleOf } from './engine-obstacle.ts';
import type { NativeLink, ResponderHandle } from './native.ts';
import { openResponder } from './open-responder.ts';

const THREAD = 0;
const TCX = 1;
const CLSACT = 2;

function failure(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall}: ${code}`), { code, syscall });
}

/** An addon on a machine where these engines fail. */
function machine(failing: ReadonlyMap<number, Error>): NativeLink {
  const responderOpen = (engine: number): ResponderHandle => {
    const error = failing.get(engine);
    if (error) throw error;
    return {} as ResponderHandle;
  };
  return { responderOpen } as unknown as NativeLink;
}

const tooOld = failure('EOPNOTSUPP', 'bpf(BPF_LINK_CREATE)');
const forbidden = failure('EPERM', 'bpf(BPF_MAP_CREATE)');

describe('openResponder', () => {
  it('takes the program in the kernel where it can', () => {
    const opened = openResponder('auto', machine(new Map()));
    expect(opened.engine).to.equal('kernel');
    expect(opened.refused).to.deep.equal([]);
  });

  it('takes clsact on a kernel without TCX, and says why', () => {
    const opened = openResponder('auto', machine(new Map([[TCX, tooOld]])));
    expect(opened.engine).to.equal('kernel-clsact');
    expect(opened.refused).to.deep.equal([
      { engine: 'kernel', obstacle: 'kernel-too-old', detail: 'bpf(BPF_LINK_CREATE): EOPNOTSUPP' },
    ]);
  });

  it('takes the thread where BPF is not allowed, and says why for each', () => {
    const failing = new Map([
      [TCX, forbidden],
      [CLSACT, forbidden],
    ]);
    const opened = openResponder('auto', machine(failing));
    expect(opened.engine).to.equal('packet-socket');
    expect(opened.refused.map(({ engine, obstacle }) => `${engine}: ${obstacle}`)).to.deep.equal([
      'kernel: no-permission',
      'kernel-clsact: no-permission',
    ]);
  });

  it('takes no other than the one that is named', () => {
    expect(openResponder('packet-socket', machine(new Map())).engine).to.equal('packet-socket');
    expect(() => openResponder('kernel', machine(new Map([[TCX, forbidden]])))).to.throw('kernel: bpf(BPF_MAP_CREATE)');
  });

  it('throws with every reason when there is none at all', () => {
    const failing = new Map([THREAD, TCX, CLSACT].map((engine) => [engine, forbidden]));
    expect(() => openResponder('auto', machine(failing))).to.throw('packet-socket: bpf(BPF_MAP_CREATE): EPERM');
  });
});

describe('obstacleOf', () => {
  for (const { error, obstacle } of [
    { error: failure('ENOSYS', 'build'), obstacle: 'built-without-program' },
    { error: failure('ENOSYS', 'bpf(BPF_MAP_CREATE)'), obstacle: 'kernel-too-old' },
    { error: failure('EINVAL', 'bpf(BPF_MAP_CREATE)'), obstacle: 'kernel-too-old' },
    { error: failure('EACCES', 'bpf(BPF_PROG_LOAD): R1 invalid mem access'), obstacle: 'program-refused' },
    { error: failure('EPERM', 'bpf(BPF_PROG_LOAD)'), obstacle: 'no-permission' },
    // SELinux says EACCES before the kernel looks at anything; the verifier says why.
    { error: failure('EACCES', 'bpf(BPF_MAP_CREATE)'), obstacle: 'denied-by-security-module' },
    { error: failure('EACCES', 'bpf(BPF_PROG_LOAD)'), obstacle: 'denied-by-security-module' },
    { error: failure('EACCES', 'socket'), obstacle: 'no-permission' },
    { error: failure('ENOMEM', 'calloc'), obstacle: 'out-of-memory' },
    { error: failure('EMFILE', 'socket'), obstacle: 'unknown' },
    { error: new Error('something else'), obstacle: 'unknown' },
    { error: 'no error at all', obstacle: 'unknown' },
  ]) {
    it(`calls ${error instanceof Error ? error.message : error} ${obstacle}`, () => {
      expect(obstacleOf(error)).to.equal(obstacle);
    });
  }
});
