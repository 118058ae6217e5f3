// SPDX-License-Identifier: Apache-2.0
/** The view of this moment: what is wrong first, then nodes, pools and who hears whom. */
import { computed } from '@preact/signals';
import { formatCount, formatNumber } from '../format.ts';
import { history, nodes, nowMs, parts, pools, problems, vips } from '../state.ts';
import { HearingSection } from './hearing.tsx';
import { NodesSection } from './nodes.tsx';
import { PoolsSection } from './pools.tsx';
import { ProblemsSection } from './problems.tsx';

const HOUR_MS = 3_600_000;

const answered = computed(() => vips.value.filter(({ claims }) => claims.length > 0).length);
const speaking = computed(() => nodes.value.filter(({ freshness }) => freshness === 'fresh').length);
const fullest = computed(() => pools.value.reduce((most, { fill }) => Math.max(most, fill), 0));
const recentMoves = computed(
  () => history.value.filter(({ kind, atMs }) => kind === 'moved' && nowMs.value - atMs < HOUR_MS).length,
);

export function NowView() {
  return (
    <div class="now">
      <h1 class="visually-hidden">Now</h1>
      <Figures />
      <ProblemsSection />
      <NodesSection />
      <div class="columns">
        <PoolsSection />
        <HearingSection />
      </div>
    </div>
  );
}

function Figures() {
  const all = vips.value.length;
  const critical = problems.value.filter(({ severity }) => severity === 'critical').length;
  const { leader } = parts.value;
  return (
    <dl class="figures">
      <Figure
        name="VIPs answered"
        tone={answered.value < all ? 'critical' : ''}
        of={formatNumber(all)}
        value={formatNumber(answered.value)}
      />
      <Figure
        name="Nodes that speak"
        tone={speaking.value < nodes.value.length ? 'warning' : ''}
        of={formatNumber(nodes.value.length)}
        value={formatNumber(speaking.value)}
      />
      <Figure
        name="Fullest pool"
        tone={fullest.value >= 1 ? 'critical' : fullest.value > 0.9 ? 'warning' : ''}
        value={`${Math.floor(fullest.value * 100)} %`}
      />
      <Figure name="Moves in the last hour" value={formatNumber(recentMoves.value)} />
      <Figure
        name="Problems"
        tone={critical > 0 ? 'critical' : problems.value.length > 0 ? 'warning' : 'good'}
        value={problems.value.length === 0 ? 'none' : formatNumber(problems.value.length)}
        note={leader ? `leader ${leader.identity}` : formatCount(0, 'leader')}
      />
    </dl>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly of?: string;
  readonly tone?: string;
  readonly note?: string;
}

function Figure({ name, value, of, tone = '', note }: FigureProps) {
  return (
    <div class={`figure ${tone}`} title={note}>
      <dt>{name}</dt>
      <dd>
        {value}
        {of !== undefined && <small> of {of}</small>}
      </dd>
    </div>
  );
}
