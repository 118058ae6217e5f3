// SPDX-License-Identifier: Apache-2.0
/** Names that lead somewhere: a node to its VIPs, a VIP to all that is known of it. */
import { nodeColour } from '../colours.ts';
import { formatRoute } from '../route.ts';
import { nodeNames } from '../state.ts';

/** A node in its colour. */
export function NodeChip({ node }: { readonly node: string }) {
  return (
    <a class="chip" href={formatRoute('vips', { filter: `node:${node}` })}>
      <NodeDot node={node} />
      {node}
    </a>
  );
}

export function NodeDot({ node }: { readonly node: string }) {
  return <i class="dot" style={{ background: nodeColour(node, nodeNames.value) }} />;
}

export function VipChip({ vip }: { readonly vip: string }) {
  return (
    <a class="chip mono" href={formatRoute('vips', { open: vip })}>
      {vip}
    </a>
  );
}

export function PoolChip({ pool }: { readonly pool: string }) {
  return (
    <a class="chip" href={formatRoute('vips', { filter: `pool:${pool}` })}>
      pool {pool}
    </a>
  );
}
