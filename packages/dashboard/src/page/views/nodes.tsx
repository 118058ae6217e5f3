// SPDX-License-Identifier: Apache-2.0
/** The nodes with their load. */
import type { NodeRow } from '@berth/core';
import { computed } from '@preact/signals';
import { formatAgo, formatNumber } from '../format.ts';
import { NodeDot } from '../parts/chips.tsx';
import { Empty, Section } from '../parts/section.tsx';
import { formatRoute } from '../route.ts';
import { nodes, nowMs } from '../state.ts';

const most = computed(() => nodes.value.reduce((load, node) => Math.max(load, node.load), 1));

export function NodesSection() {
  const total = nodes.value.reduce((sum, { load }) => sum + load, 0);
  const mean = nodes.value.length === 0 ? 0 : total / nodes.value.length;
  return (
    <Section
      title="Nodes"
      note={nodes.value.length === 0 ? undefined : `${mean.toFixed(mean < 10 ? 1 : 0)} VIPs each on average`}
    >
      {nodes.value.length === 0 && (
        <Empty icon="info">No speaker is heard of. Is the DaemonSet “speaker” running?</Empty>
      )}
      <ul class={`plain nodes ${nodes.value.length <= 8 ? 'few' : 'many'}`}>
        {nodes.value.map((row) => (
          <NodeItem key={row.node} row={row} />
        ))}
      </ul>
    </Section>
  );
}

/** What a node is, in one word, and how much that matters. */
export function standingOf(row: NodeRow): {
  readonly word: string;
  readonly tone: 'good' | 'warning' | 'critical' | 'idle';
} {
  if (row.freshness === 'absent') return { word: 'no speaker', tone: 'warning' };
  if (row.unreadable !== undefined) return { word: 'unreadable', tone: 'warning' };
  if (row.freshness === 'stale') return { word: 'silent', tone: 'critical' };
  if (row.interfaces.some(({ isCutOff }) => isCutOff)) return { word: 'cut off', tone: 'critical' };
  if (row.ineligible !== '') return { word: row.ineligible.replaceAll('-', ' '), tone: 'idle' };
  if (row.fitness === 'unfit') return { word: 'kube-proxy not well', tone: 'warning' };
  const phase = row.interfaces.find((one) => one.phase !== 'active')?.phase;
  if (row.interfaces.length === 0) return { word: 'no interface', tone: 'warning' };
  return phase === undefined ? { word: 'active', tone: 'good' } : { word: phase, tone: 'idle' };
}

function NodeItem({ row }: { readonly row: NodeRow }) {
  const { word, tone } = standingOf(row);
  const late = row.latestMs === undefined ? '' : `${row.latestMs} ms late`;
  const seen = row.seenMs === undefined ? 'never heard of' : `seen ${formatAgo(row.seenMs, nowMs.value)}`;
  const details = [row.engine, row.transport, seen, lapsesOf(row)].filter((text) => text !== undefined && text !== '');
  return (
    <li class={`node ${tone}`}>
      <a
        href={formatRoute('vips', { filter: `node:${row.node}` })}
        title={details.join(' · ')}
        aria-label={`${row.node}: ${word}, ${row.load} VIPs, ${late || 'lateness not known'}`}
      >
        <span class="node-name">
          <NodeDot node={row.node} /> {row.node}
        </span>
        <span class={`state ${tone}`}>{word}</span>
        <span class="bar" aria-hidden="true">
          <i style={{ width: `${(100 * row.load) / most.value}%` }} />
        </span>
        <span class="node-load">{formatNumber(row.load)}</span>
        <span class="muted node-late">{late}</span>
      </a>
    </li>
  );
}

/** How often it fell silent since it started: while that is recent, it is a problem as well. */
function lapsesOf({ lapses = 0, lapsedMs }: NodeRow): string {
  if (lapses === 0) return '';
  const last = lapsedMs === undefined ? '' : `, last ${formatAgo(lapsedMs, nowMs.value)}`;
  return `stopped answering ${lapses}×${last}`;
}
