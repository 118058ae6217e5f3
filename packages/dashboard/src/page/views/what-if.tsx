// SPDX-License-Identifier: Apache-2.0
/**
 * What would happen: nodes drained or lost, another pool file. The server decides it by the code that really would;
 * nothing is written.
 */

import type { Outlook } from '@berth/core';
import { computed, type Signal, signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { deflated } from '../deflate.ts';
import { formatCount, formatNumber } from '../format.ts';
import { NodeDot } from '../parts/chips.tsx';
import { Empty, Section } from '../parts/section.tsx';
import { ask } from '../server.ts';
import { nodes } from '../state.ts';
import { OutlookSections } from './outlook.tsx';

export type Fate = 'stay' | 'drain' | 'lose';
const FATES: Readonly<Record<Fate, string>> = { stay: 'Stays', drain: 'Drain', lose: 'Lose' };
/** The server is asked when nothing was changed for so long. */
const ASK_AFTER_MS = 150;

/** Kept while another view is looked at. */
const fates = signal<ReadonlyMap<string, Fate>>(new Map());
const poolFile = signal('');

export function WhatIfView() {
  const outlook = useSignal<Outlook | undefined>(undefined);
  const problem = useSignal('');
  const isAsked = fates.value.size > 0 || poolFile.value.trim() !== '';
  useQuestion(outlook, problem);
  return (
    <div class="what-if">
      <h1 class="visually-hidden">What if</h1>
      <div class="columns wish">
        <NodesWish />
        <PoolsWish />
      </div>
      {problem.value !== '' && (
        <p class="bad" role="alert">
          {problem.value}
        </p>
      )}
      {!isAsked && (
        <Section title="Outlook">
          <Empty icon="info">
            Choose nodes to drain or to lose, or put in a pool file: this tells what would move where, and what would
            stay dark. Nothing is written.
          </Empty>
        </Section>
      )}
      {isAsked && outlook.value !== undefined && <OutlookSections outlook={outlook.value} />}
    </div>
  );
}

/**
 * What may change an answer, and nothing that changes with each word of a node: a question that is under way ends with
 * the next.
 */
const loads = computed(() =>
  nodes.value.map(({ node, load, freshness, ineligible }) => `${node} ${load} ${freshness} ${ineligible}`).join(),
);

/** Asks whenever the wish, or what the nodes own, has changed. */
function useQuestion(outlook: Signal<Outlook | undefined>, problem: Signal<string>): void {
  const [wish, file, known] = [fates.value, poolFile.value, loads.value];
  useEffect(() => {
    if (wish.size === 0 && file.trim() === '') return;
    const ending = new AbortController();
    const timer = setTimeout(() => {
      question(wish, file)
        .then((query) => ask<Outlook>('/what-if', query, ending.signal))
        .then((answer) => {
          outlook.value = answer;
          problem.value = '';
        })
        .catch((error: unknown) => {
          if (!ending.signal.aborted) problem.value = error instanceof Error ? error.message : String(error);
        });
    }, ASK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [wish, file, known, outlook, problem]);
}

async function question(wish: ReadonlyMap<string, Fate>, file: string): Promise<URLSearchParams> {
  const query = new URLSearchParams();
  for (const [node, fate] of wish) query.append(fate, node);
  if (file.trim() !== '') query.set('pools', await deflated(file));
  return query;
}

function NodesWish() {
  const clear = () => {
    fates.value = new Map();
  };
  const note =
    fates.value.size > 0 ? (
      <button type="button" class="quiet" onClick={clear}>
        All stay
      </button>
    ) : undefined;
  return (
    <Section title="Nodes" note={note}>
      <ul class="plain fates">
        {nodes.value.map(({ node, load }) => (
          <li key={node}>
            <span class="node-name">
              <NodeDot node={node} /> {node} <span class="muted">{formatNumber(load)}</span>
            </span>
            <FateChoice node={node} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function FateChoice({ node }: { readonly node: string }) {
  const present = fates.value.get(node) ?? 'stay';
  const choose = (fate: Fate) => {
    const next = new Map(fates.value);
    if (fate === 'stay') next.delete(node);
    else next.set(node, fate);
    fates.value = next;
  };
  return (
    <span class="segmented" role="group" aria-label={node}>
      {(Object.keys(FATES) as Fate[]).map((fate) => (
        <button
          key={fate}
          type="button"
          class={fate}
          aria-pressed={fate === present}
          aria-label={`${FATES[fate]}: ${node}`}
          onClick={() => choose(fate)}
        >
          {FATES[fate]}
        </button>
      ))}
    </span>
  );
}

function PoolsWish() {
  const read = async (file: File | undefined) => {
    if (file !== undefined) poolFile.value = await file.text();
  };
  return (
    <Section
      title="Pool file"
      note={poolFile.value === '' ? undefined : formatCount(poolFile.value.split('\n').length, 'line')}
    >
      <textarea
        class="mono"
        aria-label="Pool file"
        spellcheck={false}
        placeholder={
          'ConfigMap ip-address-pools, or bare documents:\n\napiVersion: berth.dev/v1\nkind: IPAddressPool\nmetadata: { name: lan }\nspec:\n  addresses: [192.0.2.10-192.0.2.60]'
        }
        value={poolFile.value}
        onInput={(event) => {
          poolFile.value = event.currentTarget.value;
        }}
      />
      <label class="file">
        <span class="button">Read a file…</span>
        <input
          class="visually-hidden"
          type="file"
          accept=".yaml,.yml,.json"
          onChange={(event) => void read(event.currentTarget.files?.[0])}
        />
      </label>
    </Section>
  );
}
