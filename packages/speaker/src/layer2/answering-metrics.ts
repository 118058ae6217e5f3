// SPDX-License-Identifier: Apache-2.0
/** Metrics about what answers on each segment, what became of it, and what is answered to no avail. */
import type { SegmentAnswer } from '@berth/core';
import { Counter, Gauge, type Registry } from '@berth/runtime';
import type { AttachmentNews } from './attachments.ts';
import type { Segment } from './segments.ts';
import type { ServedVip } from './wire.ts';

/** Where the numbers come from. */
export interface AnsweringSources {
  /** On which this node should take part. */
  segments(): readonly Segment[];
  answerOn(segment: Segment): SegmentAnswer;
  isLeaking(segment: Segment): boolean;
  /** VIPs that the table has no room for. */
  readonly lacking: number;
  /** What became of answerers, by interface and kind. */
  news(): readonly { readonly ifname: string; readonly kind: AttachmentNews['kind']; readonly times: number }[];
  /** VIPs that are announced where they lie in no subnet. */
  outside(): readonly ServedVip[];
}

const PREFIX = 'berth_speaker';
const ANSWERS: readonly SegmentAnswer[] = ['engine', 'thread', 'behind', 'none'];

export function registerAnswering(sources: AnsweringSources, registers: Registry[]): void {
  new Gauge({
    name: `${PREFIX}_answering`,
    help: '1 for what answers on an interface: engine, thread (instead of it), behind (another program), or none',
    labelNames: ['interface', 'by'],
    registers,
    collect() {
      this.reset();
      for (const segment of sources.segments())
        for (const by of ANSWERS) this.set({ interface: segment.ifname, by }, sources.answerOn(segment) === by ? 1 : 0);
    },
  });
  new Gauge({
    name: `${PREFIX}_answers_for_others`,
    help: '1 where the kernel of this node has VIPs as addresses and may answer for those of other nodes',
    labelNames: ['interface'],
    registers,
    collect() {
      this.reset();
      for (const segment of sources.segments())
        this.set({ interface: segment.ifname }, sources.isLeaking(segment) ? 1 : 0);
    },
  });
  new Gauge({
    name: `${PREFIX}_vips_without_room`,
    help: 'VIPs that the table of this node has no room for, so that it owns none of them',
    registers,
    collect() {
      this.set(sources.lacking);
    },
  });
  new Gauge({
    name: `${PREFIX}_outside_subnet`,
    help: '1 for each VIP that this node announces although it lies in no subnet of the interface',
    labelNames: ['ip', 'interface'],
    registers,
    collect() {
      this.reset();
      for (const { vip, interfaces } of sources.outside())
        for (const ifname of interfaces) this.set({ ip: String(vip), interface: ifname }, 1);
    },
  });
  new Counter({
    name: `${PREFIX}_answerer_changes_total`,
    help: 'Times that the answerer of an interface was taken off, overtaken, attached otherwise or could not be attached',
    labelNames: ['interface', 'kind'],
    registers,
    collect() {
      this.reset();
      for (const { ifname, kind, times } of sources.news()) this.inc({ interface: ifname, kind }, times);
    },
  });
}
