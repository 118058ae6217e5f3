// SPDX-License-Identifier: Apache-2.0
/**
 * What a speaker knew last, as the text of a file: for a start without an API server. A header line with a checksum,
 * then the objects as the watches keep them. No secret is among them. Pure.
 */
import { createHash } from 'node:crypto';
import type { ConfigMap, EndpointSlice, Node, Service } from '@berth/kube';
import * as z from 'zod/mini';

const KIND = 'berth speaker state';
/** Another number for each change of what the watches keep: another version of Berth asks the API server. */
const VERSION = 1;

/** Whose state it is; a file of others is refused. */
export interface StateOwner {
  readonly node: string;
  readonly namespace: string;
  /**
   * Tells API servers apart before any of them can be asked: a digest of the certificate authority that this one is
   * believed by.
   */
  readonly server: string;
}

export interface SavedState {
  /** What tells this cluster's heartbeats from those of others, 16 hex digits. */
  readonly clusterId: string;
  readonly services: readonly Service[];
  readonly nodes: readonly Node[];
  readonly accepted: readonly ConfigMap[];
  /** Undefined where no Service asked for them. */
  readonly slices: readonly EndpointSlice[] | undefined;
}

export type StateProblem = 'damaged' | 'other-version' | 'other-owner';

export type DecodedState =
  | { readonly ok: true; readonly state: SavedState }
  | { readonly ok: false; readonly problem: StateProblem; readonly detail: string };

/** The text of the file. */
export function encodeState(state: SavedState, owner: StateOwner): string {
  const body = JSON.stringify(state);
  const header = { kind: KIND, version: VERSION, ...owner, sha256: digestOf(body) };
  return `${JSON.stringify(header)}\n${body}\n`;
}

const HEADER = z.object({ kind: z.literal(KIND), version: z.number() });
const OWN_HEADER = z.object({ node: z.string(), namespace: z.string(), server: z.string(), sha256: z.string() });
const OBJECT = z.looseObject({ metadata: z.looseObject({ name: z.string() }) });
const BODY = z.object({
  clusterId: z.string().check(z.regex(/^[0-9a-f]{16}$/)),
  services: z.array(OBJECT),
  nodes: z.array(OBJECT),
  accepted: z.array(OBJECT),
  slices: z.optional(z.array(OBJECT)),
});

/** Reads the file's text. Whatever is not exactly what this node wrote is refused, with what is wrong. */
export function decodeState(text: string, owner: StateOwner): DecodedState {
  const end = text.indexOf('\n');
  const header = HEADER.safeParse(parsed(text.slice(0, Math.max(0, end))));
  if (!header.success) return refused('damaged', 'no header');
  if (header.data.version !== VERSION)
    return refused('other-version', `version: found ${header.data.version}, want ${VERSION}`);
  const own = OWN_HEADER.safeParse(parsed(text.slice(0, end)));
  if (!own.success) return refused('damaged', 'header without its fields');
  const body = text.slice(end + 1, -1);
  if (!text.endsWith('\n') || digestOf(body) !== own.data.sha256) return refused('damaged', 'checksum does not fit');
  for (const field of ['server', 'namespace', 'node'] as const)
    if (own.data[field] !== owner[field])
      return refused('other-owner', `${field}: found ${own.data[field]}, want ${owner[field]}`);
  const state = BODY.safeParse(parsed(body));
  // The checksum says that this node wrote it, so what is not looked at here is as the watches had it.
  return state.success ? { ok: true, state: state.data as SavedState } : refused('damaged', 'fields of another shape');
}

/** Whether a Service is worth saving. */
export function holdsAddress({ status }: Service): boolean {
  return (status?.loadBalancer?.ingress?.length ?? 0) > 0;
}

function refused(problem: StateProblem, detail: string): DecodedState {
  return { ok: false, problem, detail };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
