// SPDX-License-Identifier: Apache-2.0
/**
 * A long list of rows of one height, of which only those in sight are in the document. The keyboard moves a mark
 * through all of them; screen readers get the place of each and how many there are.
 */
import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** Rows beyond the edges, so that scrolling shows no gap. */
const SPARE_ROWS = 6;

export interface VirtualRowsProps<Row> {
  /** Name of the list, for screen readers. */
  readonly label: string;
  readonly rows: readonly Row[];
  /** Height of each row, in pixels. */
  readonly rowHeight: number;
  readonly keyOf: (row: Row) => string;
  readonly render: (row: Row) => ComponentChildren;
  readonly classOf?: (row: Row) => string;
  /** Row that stands above all and stays. */
  readonly head?: ComponentChildren;
  /** Called when a row is clicked or chosen by Enter. */
  readonly onOpen?: (row: Row) => void;
  /** Key of the row that is open. */
  readonly openKey?: string | undefined;
}

export function VirtualRows<Row>(props: VirtualRowsProps<Row>) {
  const { label, rows, rowHeight, head } = props;
  const box = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(800);
  const marked = useSignal(0);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      height.value = element.clientHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [height]);
  const first = Math.max(0, Math.floor(top.value / rowHeight) - SPARE_ROWS);
  const last = Math.min(rows.length, Math.ceil((top.value + height.value) / rowHeight) + SPARE_ROWS);
  const onKeyDown = (event: KeyboardEvent) => {
    const next = nextMark(event.key, {
      marked: marked.value,
      count: rows.length,
      page: Math.floor(height.value / rowHeight),
    });
    const row = rows[marked.value];
    if (event.key === 'Enter' && row !== undefined) props.onOpen?.(row);
    if (next === undefined) return;
    event.preventDefault();
    marked.value = next;
    if (box.current) scrollTo(box.current, next * rowHeight, rowHeight);
  };
  return (
    <div
      class="rows"
      ref={box}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length}
      aria-activedescendant={rows.length === 0 ? undefined : rowId(label, marked.value)}
      tabIndex={0}
      onScroll={(event) => {
        top.value = event.currentTarget.scrollTop;
      }}
      onKeyDown={onKeyDown}
    >
      {head}
      <div class="rows-space" role="rowgroup" style={{ height: `${rows.length * rowHeight}px` }}>
        {rows.slice(first, last).map((row, offset) => (
          <RowBox key={props.keyOf(row)} {...props} row={row} index={first + offset} marked={marked} />
        ))}
      </div>
    </div>
  );
}

interface RowBoxProps<Row> extends VirtualRowsProps<Row> {
  readonly row: Row;
  readonly index: number;
  readonly marked: { value: number };
}

function RowBox<Row>({ label, row, index, marked, rowHeight, ...props }: RowBoxProps<Row>): JSX.Element {
  const isOpen = props.openKey !== undefined && props.openKey === props.keyOf(row);
  const open = () => {
    marked.value = index;
    props.onOpen?.(row);
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid itself takes the keys, as aria-activedescendant has it
    <div
      class={['row', props.classOf?.(row), isOpen && 'open', marked.value === index && 'marked']
        .filter(Boolean)
        .join(' ')}
      id={rowId(label, index)}
      role="row"
      tabIndex={-1}
      aria-rowindex={index + 1}
      aria-selected={isOpen}
      style={{ transform: `translateY(${index * rowHeight}px)`, height: `${rowHeight}px` }}
      onClick={open}
    >
      {props.render(row)}
    </div>
  );
}

function rowId(label: string, index: number): string {
  return `${label.replaceAll(/\W+/g, '-')}-${index}`;
}

interface Mark {
  readonly marked: number;
  readonly count: number;
  readonly page: number;
}

/** Where a key moves the mark; undefined where it does not. */
export function nextMark(key: string, { marked, count, page }: Mark): number | undefined {
  const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
  const step = key === 'Home' ? -count : key === 'End' ? count : steps[key];
  return step === undefined || count === 0 ? undefined : Math.min(count - 1, Math.max(0, marked + step));
}

function scrollTo(box: HTMLElement, top: number, rowHeight: number): void {
  const head = box.querySelector<HTMLElement>('.rows-head')?.offsetHeight ?? 0;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + rowHeight + head > box.scrollTop + box.clientHeight)
    box.scrollTop = top + rowHeight + head - box.clientHeight;
}
