// SPDX-License-Identifier: Apache-2.0
/** Chooses what answers: the program in the kernel where kernel and rights allow it, else the thread; and says why. */
import { type NativeLink, nativeLink } from './native.ts';
import { type EngineName, Responder } from './responder.ts';

/** Why an engine could not be had. */
export type EngineObstacle =
  /** The addon was built on a machine without clang, so the program is not in it. */
  | 'built-without-program'
  /** CAP_BPF or CAP_NET_ADMIN is missing, or the machine is locked down against BPF. */
  | 'no-permission'
  /** The kernel lacks bpf(2), TCX links, clsact or something that the program uses. */
  | 'kernel-too-old'
  /** The verifier of this kernel does not accept the program. */
  | 'program-refused'
  | 'out-of-memory'
  /** Anything else; the detail says what. */
  | 'unknown';

/** An engine that was tried in vain. */
export interface RefusedEngine {
  readonly engine: EngineName;
  readonly obstacle: EngineObstacle;
  /** What the system said, for a log. */
  readonly detail: string;
}

export interface OpenedResponder {
  readonly responder: Responder;
  readonly engine: EngineName;
  /** Engines that come before it and could not be had, in the order in which they were tried. */
  readonly refused: readonly RefusedEngine[];
}

export type WantedEngine = EngineName | 'auto';

/** In the order of preference. */
const AUTOMATIC: readonly EngineName[] = ['kernel', 'kernel-clsact', 'packet-socket'];

const BUILD_CALL = 'build';
const LOAD_CALL = 'bpf(BPF_PROG_LOAD)';

/**
 * Opens the responder on the best engine that can be had (`auto`), or on the one that is named. Throws when there is none: for `auto`
 * that means that not even a packet socket can be opened.
 */
export function openResponder(wanted: WantedEngine, native: NativeLink = nativeLink()): OpenedResponder {
  const candidates = wanted === 'auto' ? AUTOMATIC : [wanted];
  const refused: RefusedEngine[] = [];
  let last: unknown;
  for (const engine of candidates) {
    try {
      return { responder: Responder.open(native, engine), engine, refused };
    } catch (error) {
      last = error;
      refused.push({
        engine,
        obstacle: obstacleOf(error),
        detail: error instanceof Error ? error.message : String(error),
      });
    }
  }
  throw new Error(`link: open responder: ${refused.map((one) => `${one.engine}: ${one.detail}`).join('; ')}`, {
    cause: last,
  });
}

/** Sorts what the addon throws when an engine cannot be opened. */
export function obstacleOf(error: unknown): EngineObstacle {
  if (!(error instanceof Error) || !('code' in error)) return 'unknown';
  const call = 'syscall' in error ? String(error.syscall) : '';
  switch (error.code) {
    case 'ENOSYS':
      return call === BUILD_CALL ? 'built-without-program' : 'kernel-too-old';
    case 'EOPNOTSUPP':
      return 'kernel-too-old';
    case 'EPERM':
      return 'no-permission';
    case 'EACCES':
    case 'EINVAL':
      // Of the verifier; before a program is loaded these come of a kernel that does not know what is asked for.
      return call.startsWith(LOAD_CALL) ? 'program-refused' : 'kernel-too-old';
    case 'ENOMEM':
      return 'out-of-memory';
    default:
      return 'unknown';
  }
}
