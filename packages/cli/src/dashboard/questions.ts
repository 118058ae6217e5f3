// SPDX-License-Identifier: Apache-2.0
/** The questions of the page that are answered one by one: what `explain` says, and what would happen if. */
import { inflateRawSync } from 'node:zlib';
import { type ClusterFacts, explainService, whatIf } from '@berth/core';
import type { EventObject } from '@berth/kube';
import type { Answer } from './page-server.ts';

/** A ConfigMap holds a megabyte; more is no pool file. */
const MOST_POOL_BYTES = 1024 * 1024;
/** Nodes that one question may name. */
const MOST_NODES = 1_000;

export interface Known {
  /** The cluster as it is now. */
  readonly facts: ClusterFacts;
  eventsOf(service: string): readonly EventObject[];
}

/** The answer to a question; undefined: there is no such question. */
export function answerTo(path: string, query: URLSearchParams, known: Known): Answer | undefined {
  switch (path) {
    case '/explain':
      return explanation(query.get('service') ?? '', known);
    case '/what-if':
      return outlook(query, known);
    default:
      return undefined;
  }
}

function explanation(service: string, { facts, eventsOf }: Known): Answer {
  const explained = explainService(facts, service);
  if (explained === undefined) return { refusal: { status: 404, text: `there is no Service ${service}` } };
  const rows = eventsOf(service).map(({ lastTimestamp, reason, message, count }) => [
    ...[lastTimestamp ?? '', reason ?? '', (count ?? 1) > 1 ? `${message} (${count} times)` : (message ?? '')],
  ]);
  const section = { title: 'Events', lines: [], rows };
  return { value: rows.length === 0 ? explained : { ...explained, sections: [...explained.sections, section] } };
}

function outlook(query: URLSearchParams, { facts }: Known): Answer {
  const [drain, lose] = [query.getAll('drain'), query.getAll('lose')];
  if (drain.length + lose.length > MOST_NODES)
    return { refusal: { status: 400, text: `want at most ${MOST_NODES} nodes` } };
  const packed = query.get('pools');
  if (packed === null) return { value: whatIf(facts, { drain, lose }) };
  const text = inflated(packed);
  if (text === undefined)
    return { refusal: { status: 400, text: `pools: want at most ${MOST_POOL_BYTES} bytes of text, compressed` } };
  return { value: whatIf(facts, { drain, lose, poolFile: { name: 'pools.yaml', text } }) };
}

/** The text of raw deflate in base64url; undefined when it is none, or too long. */
export function inflated(packed: string): string | undefined {
  try {
    const bytes = inflateRawSync(Buffer.from(packed, 'base64url'), { maxOutputLength: MOST_POOL_BYTES });
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // Whoever sends this is a page of ours, or no one whose mistakes matter.
    return undefined;
  }
}
