// SPDX-License-Identifier: Apache-2.0
/** What a node, most often its kernel, has against passing packets on to other nodes. */

/** `unknown`: a reason that a newer speaker has. */
export type KernelReason = 'program' | 'conntrack' | 'room' | 'unknown';

/** As part of a sentence; `code`: what the system said, such as `EPERM`, empty where it said nothing. */
export function kernelReasonText(
  node: string,
  { why, code }: { readonly why: KernelReason; readonly code: string },
): string {
  const said = code === '' ? '' : ` (${code})`;
  switch (why) {
    case 'program':
      return `the kernel of ${node} refuses the program that passes packets on${said}`;
    case 'conntrack':
      return `${node} cannot read its connection tracking${said}`;
    case 'room':
      return `the tables of ${node} are full`;
    case 'unknown':
      return `${node} has a newer speaker, which knows why`;
  }
}
