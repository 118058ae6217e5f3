// SPDX-License-Identifier: Apache-2.0
/**
 * The answer to "what if": the command, what moves where, what stays dark, and what becomes of Services under other
 * pools.
 */
import type { Outlook } from '@berth/core';
import { formatCount, formatNumber } from '../format.ts';
import { NodeDot } from '../parts/chips.tsx';
import { CopyCommand } from '../parts/copy-command.tsx';
import { Empty, Section } from '../parts/section.tsx';
import { VirtualRows } from '../parts/virtual-rows.tsx';
import { compareNatural } from '../vip-table.ts';

const ROW_HEIGHT = 34;

export function OutlookSections({ outlook }: { readonly outlook: Outlook }) {
  const { moves, dark, commands, remarks } = outlook;
  return (
    <>
      <Section
        title="Outlook"
        note={`${formatCount(moves.length, 'VIP')} would move, ${formatNumber(dark.length)} would stay dark`}
        class="outlook"
      >
        {commands.length > 0 && (
          <p class="commands">
            {commands.map((command) => (
              <CopyCommand key={command} command={command} />
            ))}
          </p>
        )}
        <Dark dark={dark} />
        <div class="columns">
          <Flows moves={moves} />
          <Loads loads={outlook.loads} />
        </div>
        {remarks.map((remark) => (
          <p key={remark} class="muted">
            {remark}
          </p>
        ))}
      </Section>
      {outlook.pools && <Pools pools={outlook.pools} />}
      {moves.length > 0 && <Moves moves={moves} />}
    </>
  );
}

function Dark({ dark }: Pick<Outlook, 'dark'>) {
  if (dark.length === 0) return <Empty>Every VIP would be answered.</Empty>;
  return (
    <ul class="plain dark-list">
      {dark.map(({ vip, services, why }) => (
        <li key={vip} class="bad">
          <span class="mono">{vip}</span> {services.join(', ')}: {why}
        </li>
      ))}
    </ul>
  );
}

/** How many go from where to where. */
export function flowsOf(
  moves: Outlook['moves'],
): readonly { readonly from: string; readonly to: string; readonly count: number }[] {
  const groups = Map.groupBy(moves, ({ from, to }) => JSON.stringify([from ?? 'no one', to]));
  return [...groups]
    .map(([key, members]) => {
      const [from, to] = JSON.parse(key) as [string, string];
      return { from, to, count: members.length };
    })
    .sort((a, b) => compareNatural(a.from, b.from) || b.count - a.count || compareNatural(a.to, b.to));
}

function Flows({ moves }: Pick<Outlook, 'moves'>) {
  const flows = flowsOf(moves);
  if (flows.length === 0) return <p class="muted">No VIP would move.</p>;
  return (
    <table class="flows">
      <thead>
        <tr>
          <th scope="col">From</th>
          <th scope="col">To</th>
          <th scope="col">VIPs</th>
        </tr>
      </thead>
      <tbody>
        {flows.map(({ from, to, count }) => (
          <tr key={`${from} ${to}`}>
            <td>
              <NodeDot node={from} /> {from}
            </td>
            <td>
              <NodeDot node={to} /> {to}
            </td>
            <td class="number">{formatNumber(count)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Loads({ loads }: Pick<Outlook, 'loads'>) {
  const most = loads.reduce((load, { before, after }) => Math.max(load, before, after), 1);
  return (
    <ul class="plain loads" aria-label="Load of each node before and after">
      {loads.map(({ node, before, after }) => (
        <li key={node} aria-label={`${node}: ${before} before, ${after} after`}>
          <span class="node-name">
            <NodeDot node={node} /> {node}
          </span>
          <span class="bar" aria-hidden="true">
            <i class="before" style={{ width: `${(100 * before) / most}%` }} />
            <i style={{ width: `${(100 * after) / most}%` }} />
          </span>
          <span class="number">
            <span class="muted">{formatNumber(before)} →</span> {formatNumber(after)}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Moves({ moves }: Pick<Outlook, 'moves'>) {
  return (
    <Section title="What moves" note={formatCount(moves.length, 'VIP')} class="moves">
      <VirtualRows<Outlook['moves'][number]>
        label="What moves"
        rows={moves}
        rowHeight={ROW_HEIGHT}
        keyOf={({ vip }) => vip}
        render={({ vip, services, from, to }) => (
          <>
            <span class="cell-vip mono" role="gridcell">
              {vip}
            </span>
            <span class="cell-service" role="gridcell">
              {services.join(', ')}
            </span>
            <span class="cell-owner" role="gridcell">
              {from ?? 'no one'} → <NodeDot node={to} /> {to}
            </span>
          </>
        )}
      />
    </Section>
  );
}

const POOL_LISTS = {
  stranded: 'Stranded: they keep an address that the pools would no longer give them',
  recovered: 'Recovered: their address is in a pool that matches again',
  gaining: 'Gaining an address',
  adopted: 'Taken over as they are: somebody else gave their address',
  foreign: 'Left alone: somebody else gave their address, and Berth does not announce it',
  waiting: 'Waiting: no address before and after',
} as const;

/** Services of one list that are named. */
const MOST_NAMED = 100;

function Pools({ pools }: { readonly pools: NonNullable<Outlook['pools']> }) {
  if (pools.refused.length > 0) {
    return (
      <Section title="The pool file is refused">
        <pre class="refused">{pools.refused.join('\n')}</pre>
      </Section>
    );
  }
  return (
    <Section title="Services under these pools" note={`${formatNumber(pools.staying)} stay as they are`}>
      {(Object.keys(POOL_LISTS) as (keyof typeof POOL_LISTS)[]).map((list) =>
        pools[list].length === 0 ? null : (
          <div key={list}>
            <h3>
              {POOL_LISTS[list]} ({formatNumber(pools[list].length)})
            </h3>
            <ul class="plain">
              {pools[list].slice(0, MOST_NAMED).map(({ service, addresses, message }) => (
                <li key={service}>
                  <strong>{service}</strong> <span class="mono">{addresses.join(' ')}</span>{' '}
                  <span class="muted">{message}</span>
                </li>
              ))}
            </ul>
          </div>
        ),
      )}
    </Section>
  );
}
