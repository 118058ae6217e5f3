// SPDX-License-Identifier: Apache-2.0
/** The frame of the page: name, views, and whether what one sees is of this moment. */
import { useEffect } from 'preact/hooks';
import { formatClock, formatSpan } from '../format.ts';
import { Icon } from '../parts/icons.tsx';
import { formatRoute, go, route, VIEWS, type View } from '../route.ts';
import { api, connection, connectionSinceMs, nowMs, origin, problems } from '../state.ts';
import { NowView } from './now.tsx';
import { RunbookDrawer } from './runbook.tsx';
import { TimelineView } from './timeline.tsx';
import { VipsView } from './vips.tsx';
import { WhatIfView } from './what-if.tsx';

const TITLES: Readonly<Record<View, string>> = { now: 'Now', vips: 'VIPs', timeline: 'Timeline', 'what-if': 'What if' };

export function App() {
  useKeys();
  const { view } = route.value;
  useEffect(() => {
    document.title = `${TITLES[view]} · Berth`;
  }, [view]);
  if (connection.value === 'used') return <UsedAddress />;
  return (
    <>
      <a class="skip" href="#content">
        To the content
      </a>
      <TopBar />
      <Staleness />
      <main id="content" tabIndex={-1} class={`view-${view}`}>
        {origin.value === undefined ? <Waiting /> : <ViewOf view={view} />}
      </main>
      <RunbookDrawer />
    </>
  );
}

function ViewOf({ view }: { readonly view: View }) {
  switch (view) {
    case 'now':
      return <NowView />;
    case 'vips':
      return <VipsView />;
    case 'timeline':
      return <TimelineView />;
    case 'what-if':
      return <WhatIfView />;
  }
}

/** 1 to 4 change the view, / goes to the filter. */
function useKeys(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && event.target.matches('input, textarea, select');
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      const view = VIEWS[Number(event.key) - 1];
      if (view !== undefined) go(view);
      const filter = event.key === '/' && document.querySelector<HTMLElement>('input[type=search]');
      if (!filter) return;
      event.preventDefault();
      filter.focus();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}

function TopBar() {
  const critical = problems.value.filter(({ severity }) => severity === 'critical').length;
  return (
    <header class="top">
      <span class="brand">
        <Icon name="anchor" size={20} /> Berth
      </span>
      <nav aria-label="Views">
        {VIEWS.map((view, index) => (
          <a
            key={view}
            href={formatRoute(view)}
            aria-current={route.value.view === view ? 'page' : undefined}
            title={`Key ${index + 1}`}
          >
            {TITLES[view]}
            {view === 'now' && problems.value.length > 0 && (
              <span class={`badge ${critical > 0 ? 'critical' : 'warning'}`}>
                {problems.value.length}
                <span class="visually-hidden"> problems</span>
              </span>
            )}
          </a>
        ))}
      </nav>
      <span class="cluster" title={`Namespace ${origin.value?.namespace ?? ''}`}>
        {origin.value?.cluster ?? ''}
      </span>
      <LivePill />
    </header>
  );
}

function LivePill() {
  const { word, tone } = liveness();
  return (
    <span class={`live ${tone}`} role="status">
      <i class="pulse" aria-hidden="true" />
      {word}
    </span>
  );
}

function liveness(): { readonly word: string; readonly tone: 'good' | 'warning' | 'critical' } {
  if (connection.value === 'connecting') return { word: 'Connecting', tone: 'warning' };
  if (connection.value === 'ended') return { word: 'Ended', tone: 'critical' };
  return api.value?.state === 'lost' ? { word: 'API lost', tone: 'critical' } : { word: 'Live', tone: 'good' };
}

/** As of when all that is shown is right, where that is not now. */
function Staleness() {
  const link = api.value;
  if (connection.value === 'ended') {
    const text = `The dashboard has ended or does not answer since ${formatClock(connectionSinceMs.value, nowMs.value)}. What you see is as of then. Start it anew by kubectl berth dashboard; if it only was asleep, this page goes on by itself.`;
    return (
      <p class="stale" role="alert">
        {text}
      </p>
    );
  }
  if (link?.state !== 'lost') return null;
  return (
    <p class="stale" role="alert">
      The API server is not reached ({link.text}). What you see is as of {formatClock(link.asOfMs, nowMs.value)},{' '}
      {formatSpan(nowMs.value - link.asOfMs)} ago. VIPs are answered without it; this page goes on by itself.
    </p>
  );
}

function Waiting() {
  return (
    <p class="waiting" role="status">
      Reading the cluster…
    </p>
  );
}

function UsedAddress() {
  return (
    <main class="used">
      <Icon name="anchor" size={40} />
      <h1>This address works once</h1>
      <p>It was opened before, or it is not complete. The tab that opened it goes on. For another tab, run</p>
      <p>
        <code>kubectl berth dashboard</code>
      </p>
    </main>
  );
}
