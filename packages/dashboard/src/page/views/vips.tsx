// SPDX-License-Identifier: Apache-2.0
/** All VIPs: filtered, sorted, grouped; one of them opens beside. */
import type { VipRow } from '@berth/core';
import { computed } from '@preact/signals';
import { formatClock, formatNumber, formatSpan } from '../format.ts';
import { useIsNarrow } from '../narrow.ts';
import { NodeDot } from '../parts/chips.tsx';
import { Icon } from '../parts/icons.tsx';
import { Empty } from '../parts/section.tsx';
import { VirtualRows } from '../parts/virtual-rows.tsx';
import { goWith, route } from '../route.ts';
import { connection, nowMs, vips } from '../state.ts';
import {
  COLUMNS,
  type Column,
  GROUPINGS,
  type Grouping,
  isDouble,
  ownersOfRow,
  sinceOf,
  type TableRow,
  type TableWish,
  tableRows,
} from '../vip-table.ts';
import { VipDetail } from './vip-detail.tsx';

const [ROW_HEIGHT, NARROW_ROW_HEIGHT] = [36, 60];

const wish = computed<TableWish>(() => {
  const { query } = route.value;
  return {
    filter: query.get('filter') ?? '',
    sort: COLUMNS.find((column) => column === query.get('sort')) ?? 'vip',
    isDescending: query.get('order') === 'down',
    group: GROUPINGS.find((one) => one === query.get('group')) ?? '',
  };
});

const rows = computed(() => (route.value.view === 'vips' ? tableRows(vips.value, wish.value) : []));
const shownCount = computed(() => rows.value.filter(({ kind }) => kind === 'vip').length);

export function VipsView() {
  const open = route.value.query.get('open') ?? undefined;
  const isNarrow = useIsNarrow();
  return (
    <div class={`vips ${open === undefined ? '' : 'with-detail'}`}>
      <h1 class="visually-hidden">VIPs</h1>
      <div class="vips-main">
        <Controls />
        {shownCount.value === 0 && connection.value !== 'connecting' && <NothingFits />}
        <VirtualRows<TableRow>
          label="VIPs"
          rows={rows.value}
          rowHeight={isNarrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT}
          keyOf={keyOf}
          classOf={classOf}
          render={(one) => (one.kind === 'group' ? <GroupCells row={one} /> : <VipCells row={one.row} />)}
          head={<Head />}
          openKey={open}
          onOpen={(one) => {
            if (one.kind === 'vip') goWith({ open: one.row.vip === open ? '' : one.row.vip }, 'push');
          }}
        />
      </div>
      {open !== undefined && <VipDetail vip={open} />}
    </div>
  );
}

function keyOf(one: TableRow): string {
  return one.kind === 'vip' ? one.row.vip : `group ${one.name}`;
}

function classOf(one: TableRow): string {
  if (one.kind === 'group') return 'group';
  if (one.row.claims.length === 0 || one.row.reachable === 'no') return 'critical';
  return isDouble(one.row) ? 'warning' : '';
}

function NothingFits() {
  if (vips.value.length > 0) return <Empty icon="search">No VIP fits this filter.</Empty>;
  return <Empty icon="info">No Service of type LoadBalancer has an address yet.</Empty>;
}

function Controls() {
  const { filter, group } = wish.value;
  return (
    <div class="controls">
      <label class="search">
        <Icon name="search" />
        <span class="visually-hidden">Filter VIPs</span>
        <input
          id="filter"
          type="search"
          placeholder="Filter: address, Service, node:edge-1, is:silent"
          value={filter}
          onInput={(event) => goWith({ filter: event.currentTarget.value })}
        />
      </label>
      <label class="select">
        <span class="muted">Group by</span>
        <select value={group} onChange={(event) => goWith({ group: event.currentTarget.value as Grouping })}>
          {GROUPINGS.map((one) => (
            <option key={one} value={one}>
              {one === '' ? 'nothing' : one}
            </option>
          ))}
        </select>
      </label>
      <span class="muted count" role="status">
        {shownCount.value === vips.value.length
          ? formatNumber(vips.value.length)
          : `${formatNumber(shownCount.value)} of ${formatNumber(vips.value.length)}`}{' '}
        VIPs
      </span>
    </div>
  );
}

const TITLES: Readonly<Record<Column, string>> = {
  vip: 'VIP',
  service: 'Service',
  pool: 'Pool',
  owner: 'Answered by',
  since: 'For',
  reachable: 'Reachable',
};

function Head() {
  return (
    <div class="rows-head" role="row">
      {COLUMNS.map((column) => (
        <HeadCell key={column} column={column} />
      ))}
      <span class="cell-served" role="columnheader">
        Served by
      </span>
      <span class="cell-why" role="columnheader">
        Why there
      </span>
    </div>
  );
}

function HeadCell({ column }: { readonly column: Column }) {
  const { sort, isDescending } = wish.value;
  const isSorted = sort === column;
  const next = isSorted && !isDescending ? 'down' : '';
  return (
    <span
      class={`cell-${column}`}
      role="columnheader"
      aria-sort={isSorted ? (isDescending ? 'descending' : 'ascending') : 'none'}
    >
      <button type="button" class="quiet" onClick={() => goWith({ sort: column, order: next })}>
        {TITLES[column]}
        {isSorted && <Icon name={isDescending ? 'down' : 'up'} size={12} />}
      </button>
    </span>
  );
}

function GroupCells({ row }: { readonly row: Extract<TableRow, { kind: 'group' }> }) {
  return (
    <span class="group-cell" role="gridcell">
      {wish.value.group === 'node' && <NodeDot node={row.name} />}
      <strong>{row.name}</strong> <span class="muted">{formatNumber(row.count)}</span>
    </span>
  );
}

function VipCells({ row }: { readonly row: VipRow }) {
  const owners = ownersOfRow(row);
  const sinceMs = sinceOf(row);
  return (
    <>
      <span class="cell-vip mono" role="gridcell">
        {row.vip}
      </span>
      <span class="cell-service" role="gridcell">
        {row.services.join(', ')}
      </span>
      <span class="cell-pool muted" role="gridcell">
        {row.pool ?? 'none'}
      </span>
      <span class="cell-owner" role="gridcell">
        {owners.length === 0 && <em class="bad">no one</em>}
        {owners.map((node) => (
          <span key={node} class="owner">
            <NodeDot node={node} />
            {node}
          </span>
        ))}
      </span>
      <span
        class="cell-since muted"
        role="gridcell"
        title={sinceMs === undefined ? '' : formatClock(sinceMs, nowMs.peek())}
      >
        {sinceMs === undefined ? '' : formatSpan(nowMs.value - sinceMs)}
      </span>
      <span class={`cell-reachable ${row.reachable}`} role="gridcell" title={row.reachableText}>
        {row.reachable === 'yes' ? 'yes' : row.reachable === 'no' ? 'no' : 'not known'}
      </span>
      <span class="cell-served muted" role="gridcell">
        {servedText(row)}
      </span>
      <span class="cell-why muted" role="gridcell" title={row.silent}>
        {row.silent ?? row.claims[0]?.whyText ?? ''}
      </span>
    </>
  );
}

/** Nodes whose kube-proxy serves it. */
export function servedText({ servedBy }: VipRow): string {
  if (servedBy === 'any') return 'any node';
  return servedBy.length === 0 ? 'no node' : servedBy.join(', ');
}
