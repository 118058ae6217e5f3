// SPDX-License-Identifier: Apache-2.0

// The scripts in real shells.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect } from 'chai';
import { COMPLETION_SCRIPTS } from './scripts.ts';

/** Answers as `__complete` does, from what the words begin with, and writes down what it was asked. */
const STAND_IN = `#!/bin/sh
printf '<%s>' "$@" >> "$ASKED"
echo >> "$ASKED"
for last in "$@"; do :; done
case "$2" in
move) set -- "192.0.2.7	shop/web" "2001:db8::7	shop/six" "2001:db8::8	shop/six" ;;
lint) echo ":0"; exit 0 ;;
*) set -- "drain	hands over: all" "dashboard	opens a page" ;;
esac
for one in "$@"; do case "$one" in "$last"*) echo "$one" ;; esac; done
echo ":4"
`;

describe('completion scripts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-completion-'));
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}`, ASKED: join(folder, 'asked') };

  before(() => {
    writeFileSync(join(folder, 'kubectl-berth'), STAND_IN);
    chmodSync(join(folder, 'kubectl-berth'), 0o755);
    writeFileSync(join(folder, 'pools.yaml'), '');
    for (const [shell, script] of Object.entries(COMPLETION_SCRIPTS)) writeFileSync(join(folder, shell), script);
  });

  after(() => rmSync(folder, { recursive: true }));

  /** What bash offers for a line with the cursor at its end. */
  function bash(line: string): string[] {
    const words = JSON.stringify(line);
    const script = `source bash; COMP_LINE=${words}; COMP_POINT=\${#COMP_LINE}; _kubectl_berth; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = execFileSync('bash', ['--norc', '-c', script], { cwd: folder, env, encoding: 'utf8' });
    return out.split('\n').filter((one) => one !== '');
  }

  it('CL-10: bash completes commands, without their descriptions', () => {
    expect(bash('kubectl-berth d')).to.deep.equal(['drain', 'dashboard']);
  });

  it('CL-10: bash completes addresses with colons, of which it wants the part behind the last one', () => {
    expect(bash('kubectl-berth move 1')).to.deep.equal(['192.0.2.7']);
    expect(bash('kubectl-berth move ')).to.have.length(3);
    expect(bash('kubectl-berth move 2001:db8::')).to.deep.equal(['7', '8']);
  });

  it('CL-10: bash completes files where they may stand', () => {
    expect(bash('kubectl-berth lint p')).to.deep.equal(['pools.yaml']);
  });

  it('CL-10: bash hands over what stands before the cursor, options and all', () => {
    writeFileSync(env.ASKED, '');
    bash('kubectl-berth --context prod dr');
    expect(execFileSync('cat', [env.ASKED], { encoding: 'utf8' })).to.equal('<__complete><--context><prod><dr>\n');
  });

  it('CL-10: kubectl asks the program that it looks for', () => {
    const out = execFileSync('sh', ['kubectl', 'move', '192'], { cwd: folder, env, encoding: 'utf8' });
    expect(out).to.equal('192.0.2.7\tshop/web\n:4\n');
  });

  it('CL-10: zsh completes commands and addresses', () => {
    const driver = [
      'zmodload zsh/zpty; zpty shell zsh -f -i',
      `zpty -w shell 'PS1=; autoload -Uz compinit; compinit -u -D; source ${folder}/zsh; LISTMAX=1000; zstyle ":completion:*" list-colors ""'`,
      "zpty -w shell 'echo rea''dy'; zpty -r -m shell line '*ready*'",
      `zpty -n -w shell $'kubectl-berth mo\\t'`,
      "zpty -n -w shell $'\\C-ukubectl-berth move 2001\\t'; zpty -r -m shell line '*2001:db8::*'; print -r -- $line",
      `zpty -n -w shell $'\\C-ukubectl-berth da\\t'; zpty -r -m shell line '*dashboard*'; print -r -- $line`,
    ].join('\n');
    const out = execFileSync('zsh', ['-f', '-c', driver], { cwd: folder, env, encoding: 'utf8', timeout: 20_000 });
    expect(out).to.include('2001:db8::').and.include('dashboard');
  });

  it('CL-10: fish completes commands with descriptions, addresses and files', () => {
    const offered = (line: string) =>
      execFileSync('fish', ['--no-config', '-c', `source ${folder}/fish; complete -C '${line}'`], {
        ...{ cwd: folder, env, encoding: 'utf8' },
      });
    expect(offered('kubectl-berth d')).to.equal('dashboard\topens a page\ndrain\thands over: all\n');
    expect(offered('kubectl-berth move 2001:db8::').split('\n')).to.include('2001:db8::7\tshop/six');
    expect(offered('kubectl-berth lint p')).to.include('pools.yaml');
  });
});
