// SPDX-License-Identifier: Apache-2.0

// A generated cluster behind an API in memory: as large as a figure asks for, and changed as quickly.

import {
  type ClusterObjects,
  decodeNodeState,
  EMPTY_HISTORY,
  encodeHistory,
  encodeNodeHealth,
  encodeNodeState,
  HISTORY_KEY,
  HISTORY_LABEL,
  HISTORY_MAP,
  MacAddress,
  type MarkRecord,
  type MoveRecord,
  NODE_HEALTH_ANNOTATION,
  NODE_STATE_ANNOTATION,
  type NodeState,
} from '@berth/core';
import { SAMPLE_MS, type SampleOptions, sampleCluster, sampleVip } from '@berth/core/testing';
import { leases } from '@berth/kube';
import { type FakeApi, fakeApiOf } from '@berth/kube/testing';
import { type Clock, systemClock } from '@berth/runtime';

const NAMESPACE = 'berth-system';

/** A clock that says at the start what time it is in the samples, and goes on from there. */
export function sampleClock(): Clock {
  const startMs = systemClock.now();
  return { ...systemClock, date: () => new Date(SAMPLE_MS + systemClock.now() - startMs) };
}

/** The sample in an API. */
export function sampleApi(options: SampleOptions): Promise<FakeApi> {
  return fakeApiOf(named(sampleCluster(options)));
}

const MINUTE_MS = 60_000;
const [NODES, VIPS] = [5, 24];
const NAMES = [
  'shop/web',
  'shop/cart',
  'media/stream',
  'media/images',
  'factory/mqtt',
  'factory/historian',
  'platform/ingress',
  'platform/registry',
];

/** A small cluster as a shop or a factory has it, with a few things that are not well and an hour of history. */
export function shopOptions(): SampleOptions {
  const others = (but: string) => names().filter((name) => name !== but);
  const hearing = (node: string, deaf: string) =>
    others(node).map((other) => ({ node: other, hearing: other === deaf ? ('one-way' as const) : ('both' as const) }));
  const segment = { interface: 'lan0', mac: MacAddress.ZERO, phase: 'active', answer: 'engine' } as const;
  const stranger = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 0x17)) ?? MacAddress.ZERO;
  const conflict = {
    vip: sampleVip(6),
    interface: 'lan0',
    mac: stranger,
    sinceSeconds: SAMPLE_MS / 1000 - 372,
    kind: 'in-use' as const,
  };
  return {
    ...{ nodes: NODES, vips: VIPS },
    states: {
      'edge-2': { conflicts: [conflict] },
      'edge-3': { segments: [{ ...segment, members: hearing('edge-3', 'edge-5') }] },
    },
    healths: { 'edge-4': { latestMs: 38, lapses: 0 } },
    configMaps: [historyMap()],
  };
}

/** Has the nodes renew their Leases for so many steps of ten seconds, each with a lateness of its own. */
export async function renewFor(api: FakeApi, steps: number): Promise<void> {
  for (let step = steps; step > 0; step--) {
    for (const [index, node] of names().entries()) {
      const wave = 2 + ((step * 7 + index * 3) % 5);
      const latestMs = index === 3 && step > 8 && step < 20 ? 30 + ((step * 11) % 50) : wave;
      const renewTime = new Date(SAMPLE_MS - step * 10_000).toISOString();
      const annotations = { [NODE_HEALTH_ANNOTATION]: encodeNodeHealth({ latestMs, lapses: 0 }) };
      const body = { metadata: { annotations }, spec: { renewTime } };
      await api.patch(leases, { namespace: NAMESPACE, name: `node-${node}` }, { type: 'merge', body });
    }
    // Changes that come together are shown as one.
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
}

function names(): string[] {
  return Array.from({ length: NODES }, (_, index) => `edge-${index + 1}`);
}

function serviceName(index: number): string {
  return `${NAMES[index % NAMES.length]}${index < NAMES.length ? '' : `-${Math.floor(index / NAMES.length) + 1}`}`;
}

function historyMap() {
  const moves: MoveRecord[] = [52, 47, 41, 33, 26, 19, 12, 7].map((minutes, index) => ({
    ...{ atMs: SAMPLE_MS - minutes * MINUTE_MS, vip: String(sampleVip(index * 3 + 1)), interface: 'lan0' },
    services: [serviceName(index * 3 + 1)],
    ...{ from: `edge-${((index * 2 + 3) % NODES) + 1}`, to: `edge-${((index * 3 + 1) % NODES) + 1}` },
    ...{ why: index % 3 === 0 ? ('silent' as const) : ('order' as const), unansweredMs: index % 3 === 0 ? 212 : 0 },
  }));
  const nothing = { node: '', other: '', vip: '', interface: '', what: '' };
  const at = (minutes: number) => SAMPLE_MS - minutes * MINUTE_MS;
  const marks: MarkRecord[] = [
    { ...nothing, atMs: at(52), kind: 'speaker', state: 'happened', node: 'edge-4' },
    { ...nothing, atMs: at(40), kind: 'outage', state: 'began', node: 'controller-0', what: 'no answer' },
    { ...nothing, atMs: at(34), kind: 'outage', state: 'ended', node: 'controller-0', what: 'no answer' },
    { ...nothing, atMs: at(27), kind: 'drain', state: 'began', node: 'edge-2' },
    { ...nothing, atMs: at(14), kind: 'drain', state: 'ended', node: 'edge-2' },
    {
      ...nothing,
      atMs: at(6),
      kind: 'conflict',
      state: 'began',
      node: 'edge-2',
      vip: String(sampleVip(6)),
      interface: 'lan0',
      what: '00:00:5e:00:53:17',
    },
  ];
  const text = encodeHistory({ ...EMPTY_HISTORY, moves, marks });
  return {
    metadata: { name: HISTORY_MAP, namespace: NAMESPACE, labels: HISTORY_LABEL },
    data: { [HISTORY_KEY]: text },
  };
}

/** The first Services under names that say something. */
function named(objects: ClusterObjects): ClusterObjects {
  if (objects.services.length > VIPS) return objects;
  const keys = new Map(objects.services.map((_, index) => [`ns-0/s-${index}`, serviceName(index)]));
  const services = objects.services.map((service, index) => {
    const [namespace = '', name = ''] = serviceName(index).split('/');
    return { ...service, metadata: { ...service.metadata, namespace, name } };
  });
  const text = JSON.stringify(objects.configMaps).replaceAll(/ns-0\/s-\d+/g, (key) => keys.get(key) ?? key);
  const namespaces = [...new Set(NAMES.map((name) => name.split('/')[0] ?? ''))].map((name) => ({
    metadata: { name },
  }));
  return { ...objects, services, namespaces, configMaps: JSON.parse(text) };
}

/** Changes what a node says of itself. */
export async function tell(api: FakeApi, node: string, changes: Partial<NodeState>): Promise<void> {
  const at = { namespace: NAMESPACE, name: `node-${node}` };
  const { metadata } = await api.get(leases, at);
  const read = decodeNodeState(metadata.annotations?.[NODE_STATE_ANNOTATION] ?? '');
  if (!read.ok) throw new Error(`sample: ${node}: ${read.reason}`);
  const annotations = { [NODE_STATE_ANNOTATION]: encodeNodeState({ ...read.value, ...changes }) };
  await api.patch(leases, at, { type: 'merge', body: { metadata: { annotations } } });
}

/** Gives what each node owns to the next one in the order of names: every VIP has another owner then. */
export async function passOn(api: FakeApi): Promise<void> {
  const all = api.all(leases).filter(({ metadata }) => metadata.annotations?.[NODE_STATE_ANNOTATION] !== undefined);
  const states = all.map(({ metadata }) => {
    const read = decodeNodeState(metadata.annotations?.[NODE_STATE_ANNOTATION] ?? '');
    if (!read.ok) throw new Error(`sample: ${metadata.name}: ${read.reason}`);
    return read.value;
  });
  for (const [index, { metadata }] of all.entries()) {
    const [own, before] = [states[index], states.at(index - 1)];
    if (own === undefined || before === undefined) continue;
    const owned = before.owned.map((one) => ({ ...one, term: one.term + 1, why: 'handed-over' as const }));
    const body = { metadata: { annotations: { [NODE_STATE_ANNOTATION]: encodeNodeState({ ...own, owned }) } } };
    await api.patch(leases, { namespace: NAMESPACE, name: metadata.name }, { type: 'merge', body });
  }
}
