// SPDX-License-Identifier: Apache-2.0

// A folder of links to the programs that the project may call: those of the declared Debian packages and of Debian's
// base, and Go, npm and Node. Tests, lab, demo, benchmarks and lint run with it as their PATH, so that an undeclared
// program is missing on every machine.

import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';

export const PROGRAM_FOLDER = 'build/programs';
/** Where Debian keeps programs that are meant to be called. */
const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
/** What a developer brings: no Debian package of ours installs them. */
const BROUGHT = ['go', 'npm', 'npx'];
/** Says what the links were made from. */
const STAMP = '.made-from';

/** A Debian package and what shows that it is there: paths, or names of programs. */
export interface DeclaredPackage {
  readonly name: string;
  readonly anyOf: readonly string[];
}

/** The database of dpkg, as far as it is read here. */
export interface PackageDatabase {
  /** The text of /var/lib/dpkg/status. */
  readonly status: string;
  /** Paths of the files of an installed package. */
  filesOf(name: string): readonly string[];
}

/** Names of the installed packages that every Debian has: those that are essential or of priority required. */
export function basePackages(status: string): string[] {
  return status.split('\n\n').flatMap((paragraph) => {
    const isInstalled = /^Status: \S+ \S+ installed$/m.test(paragraph);
    const isBase = /^Essential: yes$/m.test(paragraph) || /^Priority: required$/m.test(paragraph);
    const name = /^Package: (\S+)$/m.exec(paragraph)?.[1];
    return isInstalled && isBase && name !== undefined ? [name] : [];
  });
}

/** The programs of the declared packages and of Debian's base: paths by name. */
export function allowedPrograms(declared: readonly DeclaredPackage[], database: PackageDatabase): Map<string, string> {
  const files = [...basePackages(database.status), ...declared.map(({ name }) => name)]
    .flatMap((name) => database.filesOf(name))
    .filter((path) => FOLDERS.includes(dirname(path)));
  const programs = new Map(files.map((path) => [basename(path), path]));
  // A declared package that came another way than by dpkg is found as set-up finds it: by its programs.
  for (const name of declared.flatMap(({ anyOf }) => anyOf).filter((each) => !each.includes('/'))) {
    const path = programs.has(name) ? undefined : locate(name, FOLDERS);
    if (path !== undefined) programs.set(name, path);
  }
  for (const [name, path] of alternatives(new Set([...programs.values()].map((path) => real(path)))))
    programs.set(name, path);
  return programs;
}

/**
 * Makes the folder unless it is as wanted; where there is no dpkg there is none, and the PATH stays as it was. Programs
 * that a developer brings are looked up on the caller's PATH.
 */
export async function makeProgramFolder(declared: readonly DeclaredPackage[], root = '/var/lib/dpkg'): Promise<void> {
  if (!existsSync(join(root, 'status'))) return;
  const onPath = (process.env.PATH ?? '').split(delimiter);
  // A set-up that runs with the folder as its PATH finds the links, and what they lead to.
  const brought = BROUGHT.map((name) => [name, real(locate(name, onPath))] as const);
  const stamp = JSON.stringify([declared, lstatSync(join(root, 'status')).mtimeMs, brought, process.execPath]);
  const stampFile = join(PROGRAM_FOLDER, STAMP);
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  const programs = allowedPrograms(declared, readDatabase(root));
  for (const [name, path] of brought) if (path !== undefined) programs.set(name, path);
  // Go finds its own tree through the link. Node is the one that runs this: all others are as old as the machine.
  programs.set('node', process.execPath);
  await writeFolder(PROGRAM_FOLDER, programs, stamp);
}

// PROGRAM_FOLDER is a link that is swapped in one step: whatever runs with it as its PATH must not miss a program in
// between.
async function writeFolder(folder: string, programs: ReadonlyMap<string, string>, stamp: string): Promise<void> {
  const fresh = `${folder}-${process.pid}-${Date.now().toString(36)}`;
  mkdirSync(fresh, { recursive: true });
  for (const [name, path] of programs) await symlink(path, join(fresh, name));
  await writeFile(join(fresh, STAMP), stamp);
  // A folder, not a link, stands there where an older tree made it.
  if (existsSync(folder) && !isLink(folder)) await rm(folder, { recursive: true });
  const before = existsSync(folder) ? realpathSync(folder) : undefined;
  await symlink(basename(fresh), `${fresh}.link`);
  await rename(`${fresh}.link`, folder);
  if (before !== undefined) await rm(before, { recursive: true, force: true });
}

function readDatabase(root: string): PackageDatabase {
  const lists = new Map<string, string>();
  for (const file of readdirSync(join(root, 'info'))) {
    if (file.endsWith('.list')) lists.set(file.slice(0, -'.list'.length).replace(/:.*$/, ''), file);
  }
  return {
    status: readFileSync(join(root, 'status'), 'utf8'),
    filesOf: (name) => {
      const list = lists.get(name);
      return list === undefined ? [] : readFileSync(join(root, 'info', list), 'utf8').split('\n');
    },
  };
}

/** Names that Debian's alternatives give to one of these files, such as `cc` and `awk`, with the path of the name. */
function alternatives(targets: ReadonlySet<string>): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of FOLDERS.filter((each) => existsSync(each))) {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      const isAlternative = isLink(path) && readlinkSync(path).startsWith('/etc/alternatives/');
      if (isAlternative && targets.has(real(path))) found.set(name, path);
    }
  }
  return found;
}

function locate(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function isLink(path: string): boolean {
  return lstatSync(path).isSymbolicLink();
}

/** The file that a path leads to; a link that leads nowhere is left as it is. */
function real<T extends string | undefined>(path: T): T | string {
  return path !== undefined && existsSync(path) ? realpathSync(path) : path;
}
