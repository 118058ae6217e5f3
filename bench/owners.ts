// SPDX-License-Identifier: Apache-2.0

// Who owns what by what the speakers say, and VIPs moved by order.

import type { Lab } from '../test/lab/lab.ts';
import { berth, berthText } from '../test/support/berth-command.ts';

interface Row {
  readonly vip: string;
  readonly claims: readonly { readonly node: string }[];
}

/** The node that says to own each of these VIPs; one that none or several claim is left out. */
export async function ownersOf(lab: Lab, vips: readonly string[]): Promise<Map<string, string>> {
  const { stdout } = await berth(lab, 'vips', '-o', 'json');
  const rows = JSON.parse(stdout) as readonly Row[];
  const owned = rows.filter(({ vip, claims }) => vips.includes(vip) && claims.length === 1);
  return new Map(owned.map(({ vip, claims }) => [vip, claims[0]?.node ?? '']));
}

/** Orders each of these to a node as `kubectl berth move` does, one by one; throws where one is elsewhere then. */
export async function moveVips(lab: Lab, vips: readonly string[], nodeFor: (owner: string) => string): Promise<void> {
  const owners = await ownersOf(lab, vips);
  const moves = vips.flatMap((vip) => {
    const owner = owners.get(vip) ?? '';
    const node = nodeFor(owner);
    return owner === node ? [] : [{ vip, node }];
  });
  if (moves.length === 0) return;
  let said = '';
  for (const { vip, node } of moves) said += await berthText(lab, 'move', vip, node);
  const after = await ownersOf(lab, vips);
  const left = moves.filter(({ vip, node }) => after.get(vip) !== node).map(({ vip }) => vip);
  if (left.length > 0) throw new Error(`did not move: ${left.join(', ')}: ${said.trim()}`);
}
