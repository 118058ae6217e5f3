// SPDX-License-Identifier: Apache-2.0
/** The nodes with all that they say of themselves, and those that say nothing. */
import { compareText } from '../compare-text.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import type { InterfaceRow, NodeRow } from './model.ts';
import { type DatedReport, vipsOf } from './node-report.ts';
import type { KubeNode } from './objects.ts';

/** By name: all Nodes, and those that a report is left of. */
export function nodeRows({ nodes, reports }: ClusterFacts): readonly NodeRow[] {
  const byName = new Map(reports.map((report) => [report.node, report]));
  const names = [...new Set([...nodes.keys(), ...byName.keys()])].sort(compareText);
  return names.map((name) => rowOf(name, nodes.get(name), byName.get(name)));
}

function rowOf(node: string, object: KubeNode | undefined, report: DatedReport | undefined): NodeRow {
  const { state, health } = report ?? {};
  const lapsedSeconds = health?.lapsedSeconds?.at(-1);
  const ready = object?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return {
    node,
    freshness: report?.freshness ?? 'absent',
    unreadable: report?.problem,
    seenMs: report?.renewedMs,
    ...{ bootId: state?.bootId, engine: state?.engine, transport: state?.transport, fitness: state?.fitness },
    ineligible: state?.ineligible ?? '',
    isReady: object && ready === 'True',
    isSchedulable: object && object.spec?.unschedulable !== true,
    load: vipsOf(report).length,
    ...{ latestMs: health?.latestMs, lapses: health?.lapses },
    lapsedMs: lapsedSeconds === undefined ? undefined : lapsedSeconds * 1000,
    interfaces: state === undefined ? [] : interfacesOf(state),
  };
}

/** The interfaces that a node takes part by. */
function interfacesOf({ segments, owned }: NonNullable<DatedReport['state']>): InterfaceRow[] {
  return segments.map(({ interface: name, mac, phase, members, contact, answer }) => ({
    ...{ name, mac: String(mac), phase, answer },
    load: owned.filter((one) => one.interface === name).length,
    hears: members.filter(({ hearing }) => hearing !== 'lost').length,
    isCutOff: contact === 'cut-off',
  }));
}
