// SPDX-License-Identifier: Apache-2.0
/** All that `kubectl berth explain` says of a VIP's Services, in the same words, and what happened to it. */
import type { Explanation } from '@berth/core';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { formatClock, formatGap } from '../format.ts';
import { NodeDot } from '../parts/chips.tsx';
import { CopyCommand } from '../parts/copy-command.tsx';
import { Drawer } from '../parts/drawer.tsx';
import { goWith } from '../route.ts';
import { ask } from '../server.ts';
import { history, nowMs, vipRow } from '../state.ts';

/** Changes of the past that are listed. */
const MOST_CHANGES = 20;

export function VipDetail({ vip }: { readonly vip: string }) {
  const row = vipRow(vip);
  const services = row?.services ?? [];
  return (
    <Drawer title={vip} kind="beside" onClose={() => goWith({ open: '' }, 'push')}>
      {row === undefined && <p class="muted">No Service shows this address any more.</p>}
      {row !== undefined && (
        <p class="owner-line">
          {row.claims.length === 0 && <em class="bad">No one answers: {row.silent}</em>}
          {row.claims.map(({ node, interface: ifname }) => (
            <span key={`${node} ${ifname}`} class="owner">
              <NodeDot node={node} />
              {node} on {ifname}
            </span>
          ))}
        </p>
      )}
      {services.map((service) => (
        <ServiceExplanation key={service} service={service} changeKey={JSON.stringify(row)} />
      ))}
      <PastOf vip={vip} />
      {services[0] !== undefined && <CopyCommand command={explainCommand(services[0])} />}
    </Drawer>
  );
}

function explainCommand(service: string): string {
  return `kubectl berth explain ${service}`;
}

/** Asked for anew when the row of the VIP changes. */
function ServiceExplanation({ service, changeKey }: { readonly service: string; readonly changeKey: string }) {
  const explanation = useSignal<Explanation | undefined>(undefined);
  const problem = useSignal('');
  // Another row is the reason to ask again.
  useEffect(() => {
    const ending = new AbortController();
    ask<Explanation>('/explain', new URLSearchParams({ service }), ending.signal)
      .then((answer) => {
        explanation.value = answer;
        problem.value = '';
      })
      .catch((error: unknown) => {
        if (!ending.signal.aborted) problem.value = error instanceof Error ? error.message : String(error);
      });
    return () => ending.abort();
  }, [service, changeKey, explanation, problem]);
  return (
    <div class="explanation">
      <h3>{service}</h3>
      {problem.value !== '' && <p class="bad">{problem.value}</p>}
      {explanation.value?.sections.map((section) => (
        <ExplanationSection key={section.title + section.lines.join()} section={section} />
      ))}
    </div>
  );
}

function ExplanationSection({ section }: { readonly section: Explanation['sections'][number] }) {
  const { title, lines, rows } = section;
  return (
    <>
      {title !== '' && <h4>{title}</h4>}
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
      {rows.length > 0 && (
        <dl class="facts">
          {rows.map(([name = '', ...rest]) => (
            <div key={name + rest.join()}>
              <dt>{name}</dt>
              <dd>{rest.join(' · ')}</dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}

function PastOf({ vip }: { readonly vip: string }) {
  const entries = history.value
    .filter((entry) => entry.vip === vip)
    .slice(-MOST_CHANGES)
    .reverse();
  if (entries.length === 0) return null;
  return (
    <>
      <h3>What happened</h3>
      <ol class="plain past">
        {entries.map(({ id, atMs, text, unansweredMs }) => (
          <li key={id}>
            <time class="muted">{formatClock(atMs, nowMs.value)}</time> <span>{text}</span>
            {unansweredMs !== undefined && <span class="muted"> ({formatGap(unansweredMs)} unanswered)</span>}
          </li>
        ))}
      </ol>
    </>
  );
}
