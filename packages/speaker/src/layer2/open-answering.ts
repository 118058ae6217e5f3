// SPDX-License-Identifier: Apache-2.0
/** Puts together what watches over the answerer, and what it reports to people. */
import { readFileSync } from 'node:fs';
import { EVENT_REASONS, type IpAddress } from '@berth/core';
import { watchFilters } from '@berth/link';
import { errorFields, type Signal } from '@berth/runtime';
import type { Cluster } from '../cluster/cluster.ts';
import type { ProcessParts } from '../config.ts';
import { AnswerWatch, answersForVips } from './answer-watch.ts';
import type { AttachmentNews } from './attachments.ts';
import type { Lan } from './lan.ts';
import { tellAttachments } from './tell-attachments.ts';

export interface AnsweringParts extends ProcessParts {
  readonly cluster: Pick<Cluster, 'watches' | 'events'>;
  readonly lan: Lan;
  /** All VIPs of Berth. */
  vips(): readonly IpAddress[];
}

export interface Answering {
  readonly watch: AnswerWatch;
  /** A segment is not answered any more, or is answered otherwise. */
  readonly changes: Signal;
  /** How often that was, by interface and kind. */
  readonly counts: readonly {
    readonly ifname: string;
    readonly kind: AttachmentNews['kind'];
    readonly times: number;
  }[];
}

export function openAnswering({ config, log, clock, cluster, lan, vips }: AnsweringParts): Answering {
  const node = () => cluster.watches.nodes.get(config.nodeName);
  const tell = tellAttachments({ log, events: cluster.events, node });
  const counts = new Map<string, { ifname: string; kind: AttachmentNews['kind']; times: number }>();
  const watch = new AnswerWatch({
    clock,
    wire: lan.wire,
    answerer: lan.responder,
    listen: (onNews) =>
      watchFilters({ onNews, onError: (error) => log.debug('filters cannot be followed', errorFields(error)) }),
    wouldAnswer: ({ ifname }) => {
      const addresses = lan.links.list().flatMap((link) => link.addresses.map(({ address }) => address));
      return answersForVips({ addresses, vips: vips(), arpIgnore: arpIgnoreOf(ifname) });
    },
  });
  watch.leaks.subscribe(({ ifname }, state) => {
    const message = LEAK[state](ifname);
    log[state === 'began' ? 'warn' : 'info'](message, { interface: ifname });
    const object = node();
    const type = state === 'began' ? 'Warning' : 'Normal';
    const note = { type, reason: EVENT_REASONS.kernelAnswersForOthers, message } as const;
    if (object) cluster.events.record({ ...object, apiVersion: 'v1', kind: 'Node' }, note);
  });
  lan.attachmentNews.subscribe((segment, news) => {
    const key = `${segment.ifname} ${news.kind}`;
    const known = counts.get(key) ?? { ifname: segment.ifname, kind: news.kind, times: 0 };
    counts.set(key, { ...known, times: known.times + 1 });
    tell(segment, news);
  });
  return {
    watch,
    changes: watch.changes,
    get counts() {
      return [...counts.values()];
    },
  };
}

const LEAK = {
  began: (ifname: string) =>
    `kube-proxy in IPVS mode without strictARP has made VIPs addresses of this node, so its kernel may answer on interface "${ifname}" for VIPs of other nodes; the thread that answers there cannot prevent it`,
  ended: (ifname: string) =>
    `the kernel of this node has stopped answering on interface "${ifname}" for VIPs of other nodes`,
} as const;

/** The higher of the interface's own and that of all counts (ip-sysctl). A kernel that does not say answers. */
function arpIgnoreOf(ifname: string): number {
  return Math.max(...['all', ifname].map(readArpIgnore));
}

function readArpIgnore(name: string): number {
  try {
    return Number(readFileSync(`/proc/sys/net/ipv4/conf/${name}/arp_ignore`, 'utf8'));
  } catch {
    return 0;
  }
}
