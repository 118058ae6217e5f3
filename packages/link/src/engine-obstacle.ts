// SPDX-License-Identifier: Apache-2.0
/** Why an engine could not be had, by what the system said. */

/** Why an engine could not be had. */
export type EngineObstacle =
  /** The addon was built on a machine without clang, so the program is not in it. */
  | 'built-without-program'
  /** CAP_BPF or CAP_NET_ADMIN is missing, or the machine is locked down against BPF. */
  | 'no-permission'
  /** A security module of the kernel (SELinux, AppArmor) forbids BPF. */
  | 'denied-by-security-module'
  /** The kernel lacks bpf(2), TCX links, clsact or something that the program uses. */
  | 'kernel-too-old'
  /** The verifier of this kernel does not accept the program. */
  | 'program-refused'
  | 'out-of-memory'
  /** Anything else; the detail says what. */
  | 'unknown';

/** Of an addon that was built without clang. */
const BUILD_CALL = 'build';
/** With a reason behind it where the verifier gave one. */
const LOAD_CALL = 'bpf(BPF_PROG_LOAD)';
/** What a security module refuses: hooks of the kernel in bpf(2) are called before it looks at the arguments. */
const BPF_CALLS = /^bpf\(/;

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
      // The verifier tells why it says no; a security module says nothing. A file system or a capability is not asked
      // for here.
      if (call.startsWith(`${LOAD_CALL}: `)) return 'program-refused';
      return BPF_CALLS.test(call) ? 'denied-by-security-module' : 'no-permission';
    case 'EINVAL':
      // Of the verifier; before a program is loaded it comes of a kernel that does not know what is asked for.
      return call.startsWith(LOAD_CALL) ? 'program-refused' : 'kernel-too-old';
    case 'ENOMEM':
      return 'out-of-memory';
    default:
      return 'unknown';
  }
}
