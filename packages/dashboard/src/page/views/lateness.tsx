// SPDX-License-Identifier: Apache-2.0
/**
 * How late each node's heartbeats were, with the fence as a line: a node that reaches it falls silent, and its VIPs
 * move.
 */
import { computed } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { nodeColour } from '../colours.ts';
import { formatMinute } from '../format.ts';
import { Empty, Section } from '../parts/section.tsx';
import { lateness, nodeNames, nodes, parts } from '../state.ts';
import type { TimeRange } from '../timeline-marks.ts';

const HEIGHT = 220;
/**
 * Width of the names beside the lanes and of the gap behind them, in pixels, and where a card counts as narrow; as in
 * timeline.css.
 */
const [LANE_NAMES, NARROW_NAMES, NARROW_WIDTH] = [160, 112, 680];
/** Room above the fence. */
const HEADROOM = 1.2;

const fenceMs = computed(() => parts.value.fenceMs);
const worst = computed(() => {
  const late = nodes.value.flatMap(({ node, latestMs }) => (latestMs === undefined ? [] : [{ node, latestMs }]));
  return late.sort((a, b) => b.latestMs - a.latestMs)[0];
});

export function LatenessSection({ range }: { readonly range: TimeRange }) {
  const has = lateness.value.size > 0;
  const note =
    worst.value && `latest now: ${worst.value.node}, ${worst.value.latestMs} ms; the fence is at ${fenceMs.value} ms`;
  return (
    <Section title="Lateness of heartbeats" note={note}>
      {has ? (
        <Chart range={range} />
      ) : (
        <Empty icon="info">Nodes report this every ten seconds; no report has come yet.</Empty>
      )}
    </Section>
  );
}

/** One table of x and y for each node, put together. */
function chartData(): uPlot.AlignedData {
  const tables = nodeNames.value.map((node): uPlot.AlignedData => {
    const points = lateness.value.get(node) ?? [];
    return [points.map(([atMs]) => atMs / 1000), points.map(([, ms]) => ms)];
  });
  return tables.length === 0 ? [[]] : uPlot.join(tables);
}

function Chart({ range }: { readonly range: TimeRange }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const names = nodeNames.value.join();
  // Only other nodes make another chart; data and range are set below.
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const chart = new uPlot(optionsFor(element), chartData(), element);
    plot.current = chart;
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [names]);
  // New points are a reason to draw.
  useEffect(() => {
    plot.current?.setData(chartData(), false);
    plot.current?.setScale('x', { min: range.fromMs / 1000, max: range.toMs / 1000 });
  }, [range.fromMs, lateness.value, names]);
  const label = `Lateness of heartbeats for each node in milliseconds; the fence is at ${fenceMs.value} ms`;
  return <div class="chart" ref={box} role="img" aria-label={label} />;
}

function optionsFor(element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const grid = { stroke: colour('--line'), width: 1 };
  const font = `12px ${colour('--font')}`;
  const axis = { stroke: colour('--muted'), grid, ticks: grid, font };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { points: { size: 6 }, y: false },
    scales: {
      x: { time: true },
      y: { range: () => [0, HEADROOM * fenceMs.value] },
    },
    // The plot stands below the lanes, and shows the same time at the same place.
    padding: [12, 0, 0, 0],
    axes: [
      { ...axis, values: (_, seconds) => seconds.map((at) => formatMinute(1000 * at)) },
      {
        ...axis,
        size: element.clientWidth < NARROW_WIDTH ? NARROW_NAMES : LANE_NAMES,
        values: (_, values) => values.map((ms) => `${ms} ms`),
      },
    ],
    series: [
      {},
      ...nodeNames.value.map((node) => ({
        label: node,
        stroke: resolved(nodeColour(node, nodeNames.value), element),
        width: 1.5,
        spanGaps: true,
        points: { show: false },
      })),
    ],
    hooks: { draw: [(chart) => drawFence(chart, { colour: colour('--critical'), font })] },
  };
}

/** A canvas knows no variables of the style sheet. */
function resolved(colour: string, element: HTMLElement): string {
  return colour.replaceAll(/var\((--[\w-]+)\)/g, (_, name: string) =>
    getComputedStyle(element).getPropertyValue(name).trim(),
  );
}

function drawFence(chart: uPlot, { colour, font }: { readonly colour: string; readonly font: string }): void {
  const { ctx, bbox } = chart;
  const y = Math.round(chart.valToPos(fenceMs.value, 'y', true));
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = font.replace('12px', `${12 * devicePixelRatio}px`);
  ctx.textAlign = 'right';
  ctx.fillText(`fence ${fenceMs.value} ms`, bbox.left + bbox.width - 6, y - 9 * devicePixelRatio);
  ctx.restore();
}
