// SPDX-License-Identifier: Apache-2.0
/** Everything that is not as it should be: what, since when, the runbook, and the command that ends it. */
import type { Problem } from '@berth/core';
import { useSignal } from '@preact/signals';
import { formatCount, formatSpan } from '../format.ts';
import { NodeChip, PoolChip, VipChip } from '../parts/chips.tsx';
import { CopyCommand } from '../parts/copy-command.tsx';
import { Icon } from '../parts/icons.tsx';
import { Empty, Section } from '../parts/section.tsx';
import { openRunbook } from '../runbooks.ts';
import { connection, nodes, nowMs, problems, vips } from '../state.ts';

/** Problems and names that are shown before somebody asks for all. */
const SHOWN_PROBLEMS = 12;
const SHOWN_NAMES = 6;

const SEVERITIES = { critical: 'Critical', warning: 'Warning', info: 'Worth knowing' } as const;

export function ProblemsSection() {
  const showsAll = useSignal(false);
  const all = problems.value;
  const shown = showsAll.value ? all : all.slice(0, SHOWN_PROBLEMS);
  return (
    <Section title="Problems" class="problems">
      {all.length === 0 && connection.value !== 'connecting' && <AllIsWell />}
      <ul class="plain" aria-live="polite">
        {shown.map((problem) => (
          <ProblemItem key={problem.id} problem={problem} />
        ))}
      </ul>
      {shown.length < all.length && (
        <button type="button" class="more" onClick={() => (showsAll.value = true)}>
          Show {formatCount(all.length - shown.length, 'more problem')}
        </button>
      )}
    </Section>
  );
}

function AllIsWell() {
  const count = vips.value.length;
  if (nodes.value.length === 0) return <Empty icon="info">No node is known yet.</Empty>;
  return (
    <Empty>
      All is well.{' '}
      {count === 0 ? 'No Service has an address yet' : `${formatCount(count, 'VIP')} answered by one node each`}, and{' '}
      {formatCount(nodes.value.length, 'node')} heard.
    </Empty>
  );
}

function ProblemItem({ problem }: { readonly problem: Problem }) {
  const { severity, text, sinceMs, runbook, command } = problem;
  return (
    <li class={`problem ${severity}`}>
      <span class="problem-mark" title={SEVERITIES[severity]}>
        <Icon name={severity} size={18} />
        <span class="visually-hidden">{SEVERITIES[severity]}: </span>
      </span>
      <div class="problem-body">
        <p class="problem-text">
          {text}
          {sinceMs !== undefined && <span class="muted since"> for {formatSpan(nowMs.value - sinceMs)}</span>}
        </p>
        <div class="problem-links">
          {command !== undefined && <CopyCommand command={command} />}
          <button type="button" class="quiet" onClick={() => openRunbook(runbook)}>
            <Icon name="book" /> Runbook
          </button>
          <Names problem={problem} />
        </div>
      </div>
    </li>
  );
}

function Names({ problem }: { readonly problem: Problem }) {
  const names = [
    ...problem.nodes.map((node) => <NodeChip key={`n ${node}`} node={node} />),
    ...problem.pools.map((pool) => <PoolChip key={`p ${pool}`} pool={pool} />),
    ...problem.vips.map((vip) => <VipChip key={`v ${vip}`} vip={vip} />),
  ];
  return (
    <>
      {names.slice(0, SHOWN_NAMES)}
      {names.length > SHOWN_NAMES && <span class="muted">and {names.length - SHOWN_NAMES} more</span>}
    </>
  );
}
