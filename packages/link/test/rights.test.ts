// SPDX-License-Identifier: Apache-2.0
/** What the engines need: the capabilities that the manifest grants, and no more. Needs root and setpriv(1). */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { openResponder } from '@berth/link';
import { expect } from 'chai';
import { buildAddon } from '../build.ts';

const PROGRAM = join(import.meta.dirname, 'support', 'open-program.ts');

function openWith(...capabilities: string[]): unknown {
  const set = ['-all', ...capabilities.map((one) => `+${one}`)].join(',');
  const argv = [`--bounding-set=${set}`, `--inh-caps=${set}`, process.execPath, PROGRAM];
  const { status, stdout, stderr } = spawnSync('setpriv', argv, { encoding: 'utf8' });
  return status === 0 ? JSON.parse(stdout) : (/Error: .*/.exec(stderr)?.[0] ?? stderr);
}

function obstacle(): string | undefined {
  buildAddon();
  try {
    const { responder, engine } = openResponder('auto');
    responder.close();
    return engine === 'kernel' ? undefined : `the kernel gives ${engine}`;
  } catch (error) {
    return String(error);
  }
}

const reason = obstacle();
const suite = reason === undefined ? describe : describe.skip;

suite(`the rights of the speaker${reason === undefined ? '' : ` (cannot be tried: ${reason})`}`, () => {
  it('CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW are enough for the kernel engine', () => {
    expect(openWith('bpf', 'net_admin', 'net_raw')).to.deep.equal({ engine: 'kernel', refused: [] });
  });

  for (const missing of ['bpf', 'net_admin']) {
    it(`without CAP_${missing.toUpperCase()} the thread answers, and the reason is named`, () => {
      const rest = ['bpf', 'net_admin', 'net_raw'].filter((one) => one !== missing);
      expect(openWith(...rest)).to.deep.equal({
        engine: 'packet-socket',
        refused: ['kernel: no-permission', 'kernel-clsact: no-permission'],
      });
    });
  }
});
