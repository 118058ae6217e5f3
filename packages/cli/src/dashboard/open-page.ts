// SPDX-License-Identifier: Apache-2.0
/**
 * Opens an address in the browser of whoever runs this, where there is one. The address has a token in it, and
 * everybody on a machine can read the arguments of every program: so what is opened is a file that only its owner
 * reads, which leads there.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A browser that has to start first takes seconds; the token is of use once, and only as long as the command runs, in
 * milliseconds.
 */
const REMOVED_AFTER_MS = 60_000;

interface Opener {
  readonly program: string;
  readonly args: readonly string[];
}

/** The program that opens a file on this kind of machine; undefined where no screen is at hand. */
export function openerFor(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): Opener | undefined {
  if (platform === 'darwin') return { program: 'open', args: [] };
  if (platform === 'win32') return { program: 'rundll32', args: ['url.dll,FileProtocolHandler'] };
  // Over ssh, and on a server, there is nothing to open it with.
  const hasScreen = [env.DISPLAY, env.WAYLAND_DISPLAY, env.WSL_DISTRO_NAME].some((value) => value);
  return hasScreen ? { program: 'xdg-open', args: [] } : undefined;
}

export interface OpeningOptions {
  readonly platform?: NodeJS.Platform;
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds until the file is removed; it also goes with this process. @default 60000 */
  readonly removedAfterMs?: number;
}

/** Whether a browser was asked to open it; that it did is not known. */
export async function openPage(address: string, options: OpeningOptions = {}): Promise<boolean> {
  const { platform = process.platform, env = process.env, removedAfterMs = REMOVED_AFTER_MS } = options;
  const opener = openerFor(platform, env);
  if (opener === undefined) return false;
  const folder = await privateFolder(platform);
  const file = join(folder, 'open.html');
  await writeFile(file, pageTo(address), { mode: 0o600, flag: 'wx' });
  const removeNow = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeNow);
  const remove = async () => {
    process.off('exit', removeNow);
    await rm(folder, { recursive: true, force: true });
  };
  const isAsked = await isStarted(opener, file, env);
  if (isAsked) setTimeout(() => void remove(), removedAfterMs).unref();
  else await remove();
  return isAsked;
}

/**
 * A folder of no one else. Browsers that come as a snap see no file of /tmp, and of the home folder none that is
 * hidden.
 */
async function privateFolder(platform: NodeJS.Platform): Promise<string> {
  const name = 'berth-dashboard-';
  if (platform !== 'linux') return mkdtemp(join(tmpdir(), name));
  return mkdtemp(join(homedir(), name)).catch(() => mkdtemp(join(tmpdir(), name)));
}

/** Leads to an address of ours, which has nothing in it that HTML could take for its own. */
function pageTo(address: string): string {
  const head = '<meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>Berth</title>';
  return `<!doctype html>${head}<meta http-equiv="refresh" content="0;url=${address}"><a href="${address}">Berth</a>\n`;
}

function isStarted({ program, args }: Opener, file: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, [...args, file], { stdio: 'ignore', detached: true, env });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
