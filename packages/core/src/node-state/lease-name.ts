// SPDX-License-Identifier: Apache-2.0
/** What the Lease of a node is called. */
import { sha256 } from '../placement/sha256.ts';

const MAX_NAME_CHARACTERS = 253;
const MAX_LABEL_CHARACTERS = 63;
const LEASE_PREFIX = 'node-';

/**
 * Name of the Lease of a node. A node's name may be as long as a Lease's, so a long one is cut and made distinct by its
 * digest.
 */
export function nodeLeaseName(node: string): string {
  return fitted(`${LEASE_PREFIX}${node}`, node, MAX_NAME_CHARACTERS);
}

/** Value of the label of Leases for a node: its name, or as much of it as a label takes and a digest. */
export function nodeLabelValue(node: string): string {
  return fitted(node, node, MAX_LABEL_CHARACTERS);
}

function fitted(text: string, node: string, characters: number): string {
  if (text.length <= characters) return text;
  const [first = 0, second = 0] = sha256(node);
  const digest = [first, second].map((word) => word.toString(16).padStart(8, '0')).join('');
  return `${text.slice(0, characters - digest.length - 1)}-${digest}`;
}
