// SPDX-License-Identifier: Apache-2.0
/** Who hears whom, as a matrix: the row hears the column. What is well is quiet, what goes one way is red. */
import type { HearingCell, HearingMatrix } from '@berth/core';
import { memo } from '../memo.ts';
import { Empty, Section } from '../parts/section.tsx';
import { hearing } from '../state.ts';

/** Side of a cell, in pixels, by how many nodes there are; names are written beside the rows up to this many. */
const [LARGE, SMALL, NAMED_NODES] = [26, 9, 16];
const GAP = 2;
const NAME_WIDTH = 96;

const BAD = new Set<HearingCell['state']>(['one-way', 'deaf', 'lost', 'none']);

export function HearingSection() {
  return (
    <Section title="Who hears whom">
      {hearing.value.length === 0 && <Empty icon="info">No speaker tells whom it hears.</Empty>}
      {hearing.value.map((matrix) => (
        <Matrix key={matrix.interface} matrix={matrix} />
      ))}
    </Section>
  );
}

const Matrix = memo(({ matrix }: { readonly matrix: HearingMatrix }) => {
  const sentences = sentencesOn(matrix);
  return (
    <figure class="matrix">
      <Cells matrix={matrix} label={`Who hears whom on ${matrix.interface}: ${sentences.join('; ')}`} />
      <figcaption>
        <strong>{matrix.interface}</strong>
        <ul class="plain">
          {sentences.slice(0, MOST_SENTENCES).map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
        {sentences.length > MOST_SENTENCES && <p class="muted">and {sentences.length - MOST_SENTENCES} more</p>}
      </figcaption>
    </figure>
  );
});

const MOST_SENTENCES = 8;

function Cells({ matrix, label }: { readonly matrix: HearingMatrix; readonly label: string }) {
  const { nodes, cells } = matrix;
  const isNamed = nodes.length <= NAMED_NODES;
  const step = (isNamed ? LARGE : SMALL) + GAP;
  const [left, top] = isNamed ? [NAME_WIDTH, 22] : [0, 0];
  const side = nodes.length * step;
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${left + side} ${top + side}`}
      style={{ maxWidth: `${left + side}px` }}
    >
      {isNamed &&
        nodes.map((node, index) => (
          <g key={node} class="matrix-name">
            <text x={left - 8} y={top + index * step + step / 2 + 4} text-anchor="end">
              {shortened(node)}
            </text>
            <text x={left + index * step + (step - GAP) / 2} y={top - 8} text-anchor="middle">
              {index + 1}
            </text>
          </g>
        ))}
      {PLAIN.map((state) => (
        <path key={state} class={`cell ${state}`} d={plainPath(cells, { state, step, left, top, isDrawn: !isNamed })} />
      ))}
      {cells.map((row, rowIndex) =>
        row.map((cell, column) =>
          !isNamed && isPlain(cell) ? null : (
            <rect
              key={`${rowIndex} ${column}`}
              class={`cell ${cell.state} ${cell.way ?? ''}`}
              x={left + column * step}
              y={top + rowIndex * step}
              width={step - GAP}
              height={step - GAP}
              rx={isNamed ? 5 : 2}
            >
              <title>{sentenceOn(nodes[rowIndex] ?? '', nodes[column] ?? '', cell)}</title>
            </rect>
          ),
        ),
      )}
    </svg>
  );
}

/** What is as it should be, or not known: of a crowd, drawn as one path each. 50 nodes have 2,500 cells. */
const PLAIN = ['self', 'both', 'unknown'] as const;

function isPlain({ state, way }: HearingCell): boolean {
  return way === undefined && PLAIN.some((plain) => plain === state);
}

interface PlainWish {
  readonly state: HearingCell['state'];
  readonly step: number;
  readonly left: number;
  readonly top: number;
  readonly isDrawn: boolean;
}

function plainPath(cells: HearingMatrix['cells'], { state, step, left, top, isDrawn }: PlainWish): string {
  if (!isDrawn) return '';
  const side = step - GAP;
  const squares = cells.flatMap((row, rowIndex) =>
    row.flatMap((cell, column) =>
      cell.state === state && isPlain(cell)
        ? [`M${left + column * step} ${top + rowIndex * step}h${side}v${side}h${-side}z`]
        : [],
    ),
  );
  return squares.join('');
}

function shortened(node: string): string {
  return node.length <= 14 ? node : `${node.slice(0, 13)}…`;
}

/** What is not well, one sentence for each pair; one for all when all is. */
export function sentencesOn({ nodes, cells }: HearingMatrix): string[] {
  const drawn = new Set<string>();
  const sentences = cells.flatMap((row, rowIndex) =>
    row.flatMap((cell, column) => {
      // `deaf` is the other side of somebody's `one-way`, which tells it already.
      const isMirrored = cell.state === 'deaf' && cells[column]?.[rowIndex]?.state === 'one-way';
      if (!BAD.has(cell.state) || isMirrored) return [];
      const [one = '', other = ''] = [nodes[rowIndex], nodes[column]];
      const isMutual = cell.state === 'none' && cells[column]?.[rowIndex]?.state === 'none';
      const pair = [one, other].sort().join(' ');
      if (isMutual && drawn.has(pair)) return [];
      drawn.add(pair);
      return [isMutual ? `${one} and ${other} do not hear each other` : sentenceOn(one, other, cell)];
    }),
  );
  if (sentences.length > 0) return sentences;
  const unknown = cells.filter((row) => row.some(({ state }) => state === 'unknown')).length;
  if (unknown > 0) return [`${unknown} of ${nodes.length} nodes say nothing; the others hear each other`];
  return [nodes.length === 1 ? 'one node, alone' : `all ${nodes.length} nodes hear each other`];
}

const WAYS = { unicast: ', by frames to it alone', udp: ', by UDP' } as const;

function sentenceOn(row: string, column: string, { state, way }: HearingCell): string {
  switch (state) {
    case 'self':
      return row;
    case 'both':
      return `${row} and ${column} hear each other${way ? WAYS[way] : ''}`;
    case 'one-way':
      return `${row} hears ${column}, but ${column} does not hear ${row}`;
    case 'deaf':
      return `${row} does not hear ${column}, but ${column} hears ${row}`;
    case 'lost':
      return `heartbeats of ${column} do not reach ${row}, but it answers`;
    case 'none':
      return `${row} does not hear ${column}`;
    case 'unknown':
      return `${row} says nothing of ${column}`;
  }
}
