// SPDX-License-Identifier: Apache-2.0
/** Who owned each VIP over hours, with what happened meanwhile, and how late heartbeats were. */
import { type Lane, lanesOf } from '@berth/core';
import { computed } from '@preact/signals';
import { nodeColour } from '../colours.ts';
import { addressKey, formatClock, formatCount, formatGap, formatMinute, formatSpan } from '../format.ts';
import { Empty, Section } from '../parts/section.tsx';
import { VirtualRows } from '../parts/virtual-rows.tsx';
import { go, goWith, route } from '../route.ts';
import { history, nodeNames, nowMs, vips } from '../state.ts';
import { type MarkLane, markLanes, type TimeRange, ticks } from '../timeline-marks.ts';
import { LatenessSection } from './lateness.tsx';

const MINUTE_MS = 60_000;
const SPANS_MINUTES = [15, 60, 360, 1440] as const;
const DEFAULT_MINUTES = 60;
const LANE_HEIGHT = 28;
const TICKS = 6;
/** Entries in the list below. */
const MOST_LISTED = 200;

const minutes = computed(() => {
  const wished = Number(route.value.query.get('minutes'));
  return SPANS_MINUTES.find((one) => one === wished) ?? DEFAULT_MINUTES;
});

/**
 * Moves on in steps that are no wider than a pixel or two, so that lanes are not drawn anew without a visible change.
 */
const range = computed<TimeRange>(() => {
  const widthMs = minutes.value * MINUTE_MS;
  const stepMs = Math.max(1_000, widthMs / 600);
  const toMs = Math.ceil(nowMs.value / stepMs) * stepMs;
  return { fromMs: toMs - widthMs, toMs };
});

const lanes = computed<readonly Lane[]>(() => {
  if (route.value.view !== 'timeline') return [];
  const all = lanesOf(history.value, { vips: vips.value }, range.value);
  const filter = route.value.query.get('filter')?.toLowerCase() ?? '';
  const fitting = filter === '' ? all : all.filter((lane) => textOf(lane).includes(filter));
  return [...fitting].sort(byLatestChange);
});

function textOf({ vip, spans }: Lane): string {
  return `${vip} ${spans.map(({ node }) => node ?? '').join(' ')}`.toLowerCase();
}

/** Those that changed last first; those that never changed by address. */
function byLatestChange(a: Lane, b: Lane): number {
  const changed = ({ spans }: Lane) => (spans.length > 1 ? (spans.at(-1)?.fromMs ?? 0) : 0);
  return changed(b) - changed(a) || (addressKey(a.vip) < addressKey(b.vip) ? -1 : 1);
}

const marks = computed<readonly MarkLane[]>(() =>
  route.value.view === 'timeline' ? markLanes(history.value, range.value) : [],
);

export function TimelineView() {
  return (
    <div class="timeline">
      <h1 class="visually-hidden">Timeline</h1>
      <Section title="Owners" class="lanes-card" note={<Controls />}>
        <Axis />
        {marks.value.map((lane) => (
          <MarkRow key={lane.title} lane={lane} />
        ))}
        {lanes.value.length === 0 ? <Empty icon="info">No VIP to show.</Empty> : <Lanes />}
      </Section>
      <LatenessSection range={range.value} />
      <Entries />
    </div>
  );
}

function Controls() {
  return (
    <span class="controls">
      <input
        type="search"
        aria-label="Filter lanes"
        placeholder="Filter: VIP or node"
        value={route.value.query.get('filter') ?? ''}
        onInput={(event) => goWith({ filter: event.currentTarget.value })}
      />
      <span class="segmented" role="group" aria-label="Time shown">
        {SPANS_MINUTES.map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={one === minutes.value}
            onClick={() => goWith({ minutes: String(one) })}
          >
            {formatSpan(one * MINUTE_MS)}
          </button>
        ))}
      </span>
    </span>
  );
}

function position(atMs: number, { fromMs, toMs }: TimeRange): string {
  return `${((100 * (atMs - fromMs)) / (toMs - fromMs)).toFixed(3)}%`;
}

function Axis() {
  return (
    <div class="axis" aria-hidden="true">
      <div class="axis-track">
        {ticks(range.value, TICKS).map((atMs) => (
          <span key={atMs} style={{ left: position(atMs, range.value) }}>
            {formatMinute(atMs)}
          </span>
        ))}
      </div>
    </div>
  );
}

function MarkRow({ lane }: { readonly lane: MarkLane }) {
  return (
    <div class="lane mark-lane">
      <span class="lane-name muted">{lane.title}</span>
      <div class="lane-track" role="img" aria-label={`${lane.title}: ${formatCount(lane.marks.length, 'mark')}`}>
        {lane.marks.map(({ id, fromMs, toMs, text, tone, isOpen }) => (
          <i
            key={id}
            class={`mark ${tone} ${fromMs === toMs ? 'point' : ''} ${isOpen ? 'open' : ''}`}
            style={{
              left: position(fromMs, range.value),
              width: fromMs === toMs ? '' : position(range.value.fromMs + toMs - fromMs, range.value),
            }}
            title={`${formatClock(fromMs, nowMs.peek())}: ${text}`}
          />
        ))}
      </div>
    </div>
  );
}

function Lanes() {
  return (
    <VirtualRows<Lane>
      label="Owners over time"
      rows={lanes.value}
      rowHeight={LANE_HEIGHT}
      keyOf={({ vip, interface: ifname }) => `${vip} ${ifname}`}
      onOpen={({ vip }) => go('vips', { open: vip })}
      render={(lane) => <LaneCells lane={lane} />}
    />
  );
}

function LaneCells({ lane }: { readonly lane: Lane }) {
  return (
    <div class="lane" role="gridcell" aria-label={`${lane.vip}: ${spansText(lane)}`}>
      <span class="lane-name mono">{lane.vip}</span>
      <div class="lane-track">
        {lane.spans.map(({ node, fromMs, toMs }) => (
          <i
            key={fromMs}
            class={node === undefined ? 'span nobody' : 'span'}
            style={{
              left: position(fromMs, range.value),
              width: position(range.value.fromMs + toMs - fromMs, range.value),
              background: node === undefined ? '' : nodeColour(node, nodeNames.value),
            }}
            title={`${node ?? 'no one'}, ${formatClock(fromMs, nowMs.peek())} to ${formatClock(toMs, nowMs.peek())}`}
          >
            {node}
          </i>
        ))}
      </div>
    </div>
  );
}

function spansText({ spans }: Lane): string {
  return spans.map(({ node, fromMs }) => `${node ?? 'no one'} from ${formatMinute(fromMs)}`).join(', ');
}

function Entries() {
  const entries = history.value.filter(({ atMs }) => atMs >= range.value.fromMs);
  const shown = entries.slice(-MOST_LISTED).reverse();
  return (
    <Section title="What happened" note={formatCount(entries.length, 'change')}>
      {entries.length === 0 && <Empty>Nothing changed in this time.</Empty>}
      <ol class="plain past">
        {shown.map(({ id, atMs, text, unansweredMs }) => (
          <li key={id}>
            <time class="muted">{formatClock(atMs, nowMs.value)}</time> <span>{text}</span>
            {unansweredMs !== undefined && unansweredMs > 0 && (
              <span class="muted">{formatGap(unansweredMs)} unanswered</span>
            )}
          </li>
        ))}
      </ol>
      {shown.length < entries.length && (
        <p class="muted">and {formatCount(entries.length - shown.length, 'earlier change')}</p>
      )}
    </Section>
  );
}
