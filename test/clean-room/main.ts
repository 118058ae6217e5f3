// SPDX-License-Identifier: Apache-2.0

// `npm run clean-room [-- COMMAND...]`: set-up, lint, unit and wire suites on a machine that has never seen the
// project. A bare Debian is made in a folder, with Node, npm and Go of this machine and the last commit of this tree in
// it. All of it happens in mount and process namespaces of its own (enter.sh), so that no mount and no process can be
// left behind, however it ends.
//
// Not part of `npm test`: it loads some hundred Debian packages and all npm packages anew, and takes about ten minutes.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp, realpath } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import { findBinaries } from '../lab/binaries.ts';
import { run, tryRun } from '../lab/run.ts';
import { runInTerminal } from '../lab/terminal.ts';

const COMMAND = ['npm run lint', 'npm test -- unit wire'].join(' && ');
/** On the disk of the tree: /tmp may be memory. */
const WORK = 'build/clean-room';
/** Where the tree lies in the room. */
const TREE = 'root/berth';

const command = process.argv.length > 2 ? process.argv.slice(2).join(' ') : COMMAND;
process.exitCode = await cleanRoom(command);

/** Makes a room, runs the command in it and takes it down; returns the command's exit code. */
async function cleanRoom(wanted: string): Promise<number> {
  if (process.getuid?.() !== 0) throw new Error('clean room: it wants root; run it with sudo');
  mkdirSync(WORK, { recursive: true });
  const room = await realpath(mkdtempSync(join(WORK, 'room-')));
  try {
    await furnish(room);
    const host = await settingsOfHost();
    return await runInTerminal(enter(room, host.mounts, ['sh', '-c', `cd /${TREE} && ${wanted}`]), host.environment);
  } finally {
    // Nothing of it is mounted here: what is deleted are files of the room.
    const mounted = readFileSync('/proc/self/mounts', 'utf8').includes(` ${room}`);
    if (mounted) console.error(`clean room: ${room} has mounts, and stays`);
    else rmSync(room, { recursive: true, force: true });
  }
}

/** The command line that runs a program in the room. */
function enter(room: string, mounts: readonly string[], argv: readonly string[]): string[] {
  const namespaces = ['--mount', '--pid', '--ipc', '--fork', '--kill-child', '--propagation', 'private'];
  return ['unshare', ...namespaces, 'sh', join(import.meta.dirname, 'enter.sh'), room, mounts.join(' '), ...argv];
}

async function furnish(room: string): Promise<void> {
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (codename === undefined) throw new Error('clean room: /etc/os-release: no VERSION_CODENAME, want a Debian');
  say(`a bare ${codename} by debootstrap`);
  const mirror = await mirrorOf(codename);
  const argv = ['debootstrap', '--variant=minbase', codename, room, ...(mirror === undefined ? [] : [mirror])];
  await run(['unshare', '--mount', '--propagation', 'private', ...argv]);
  await copySettingsOfApt(room);
  say('Node, npm and the last commit of this tree');
  await copyNode(room);
  await run(['git', 'clone', '--quiet', '--no-local', process.cwd(), join(room, TREE)]);
}

/** Where this machine gets its Debian packages from; undefined where apt does not say. */
async function mirrorOf(codename: string): Promise<string | undefined> {
  const { stdout } = await tryRun(['apt-get', 'indextargets', '--format', '$(REPO_URI) $(CODENAME)']);
  const rows = stdout.split('\n').map((line) => line.split(' '));
  return rows.find(([, name]) => name === codename)?.[0];
}

// Sources, and whatever says how to reach them. Hooks of other packages stay out.
async function copySettingsOfApt(room: string): Promise<void> {
  for (const name of ['sources.list', 'sources.list.d', 'trusted.gpg.d', 'keyrings'])
    if (existsSync(`/etc/apt/${name}`)) await cp(`/etc/apt/${name}`, join(room, 'etc/apt', name), { recursive: true });
  for (const name of readdirSync('/etc/apt/apt.conf.d')) {
    const text = readFileSync(`/etc/apt/apt.conf.d/${name}`, 'utf8');
    if (/\bAcquire::/.test(text)) writeFileSync(join(room, 'etc/apt/apt.conf.d', name), text);
  }
}

// npm as its own package lies anywhere; only a whole folder of that name can be taken along.
async function copyNode(room: string): Promise<void> {
  const npm = onPath('npm');
  const folder = npm === undefined ? '' : dirname(dirname(await realpath(npm)));
  if (basename(folder) !== 'npm') throw new Error(`clean room: npm: found ${npm}, want npm in a folder of its own`);
  await cp(process.execPath, join(room, 'usr/local/bin/node'));
  await cp(folder, join(room, 'usr/local/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx'])
    await run(['ln', '-s', `../lib/node_modules/npm/bin/${name}-cli.js`, join(room, 'usr/local/bin', name)]);
}

/** What the room takes from this machine: folders, read-only, at the same place; and variables. */
async function settingsOfHost(): Promise<{ mounts: string[]; environment: Record<string, string> }> {
  const go = (await run(['go', 'env', 'GOROOT'])).trim();
  // Set-up would build Kubernetes otherwise, which the suites that run here do not call.
  const binaries = findBinaries();
  const [registry, authority] = await Promise.all(['registry', 'cafile'].map(npmSetting));
  return {
    // The folder of the programs holds links to its neighbours.
    mounts: [go, '/etc/ssl/certs', ...(binaries === undefined ? [] : [dirname(binaries)])].filter((path) =>
      existsSync(path),
    ),
    environment: {
      HOME: '/root',
      BERTH_CALLER_PATH: '',
      PATH: ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', `${go}/bin`].join(
        delimiter,
      ),
      ...(binaries && { BERTH_LAB_BIN: binaries }),
      // A skipped test has shown nothing.
      CI: 'true',
      ...(registry && { npm_config_registry: registry }),
      ...(authority && { npm_config_cafile: authority }),
    },
  };
}

async function npmSetting(name: string): Promise<string | undefined> {
  const { stdout } = await tryRun(['npm', 'config', 'get', name]);
  const value = stdout.trim();
  return value === '' || value === 'null' || value === 'undefined' ? undefined : value;
}

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function say(what: string): void {
  console.log(`clean room: ${what}`);
}
