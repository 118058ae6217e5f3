// SPDX-License-Identifier: Apache-2.0
/** Tells people what became of the answerer on a segment: an Event on the Node, and the log. */

import { EVENT_REASONS } from '@berth/core';
import type { EventNote, KubeObject } from '@berth/kube';
import { errorFields, type Log } from '@berth/runtime';
import type { AttachmentNews } from './attachments.ts';
import type { Segment } from './segments.ts';

export interface TellAttachmentsOptions {
  readonly log: Log;
  readonly events: { record(object: KubeObject, note: EventNote): void };
  /** This node, once it is known. */
  node(): KubeObject | undefined;
}

/** Event reasons. */
const REASONS: Readonly<Record<AttachmentNews['kind'], string>> = {
  'not-attached': EVENT_REASONS.answererNotAttached,
  'stand-in': EVENT_REASONS.answererStandsIn,
  attached: EVENT_REASONS.answererAttached,
  'taken-off': EVENT_REASONS.answererTakenOff,
  overtaken: EVENT_REASONS.answererOvertaken,
  behind: EVENT_REASONS.answererBehind,
};

/** The function to call with each piece of news. */
export function tellAttachments(options: TellAttachmentsOptions): (segment: Segment, news: AttachmentNews) => void {
  return ({ ifname }, news) => {
    const message = `interface "${ifname}": ${messageOf(news)}`;
    const isGood = news.kind === 'attached';
    const fields = { interface: ifname, kind: news.kind, ...detailsOf(news) };
    if (isGood) options.log.info('answerer attached', fields);
    else options.log.warn(news.kind === 'not-attached' ? 'interface cannot be used' : 'answerer changed', fields);
    const node = options.node();
    const note: EventNote = { type: isGood ? 'Normal' : 'Warning', reason: REASONS[news.kind], message };
    if (node) options.events.record({ ...node, apiVersion: 'v1', kind: 'Node' }, note);
  };
}

function detailsOf(news: AttachmentNews): Record<string, unknown> {
  if (news.kind === 'not-attached') return errorFields(news.error);
  return news.kind === 'stand-in' ? { code: news.code, detail: news.detail } : {};
}

function messageOf(news: AttachmentNews): string {
  switch (news.kind) {
    case 'not-attached':
      return `nothing can answer there, so this node owns no VIP on it: ${(news.error as Error)?.message ?? news.error}`;
    case 'stand-in':
      return `the program that answers cannot be attached (${news.detail}); a thread answers instead`;
    case 'attached':
      return 'the program answers again';
    case 'taken-off':
      return 'the program that answers was detached by somebody else; it is attached again';
    case 'overtaken':
      return 'another program was attached before the one that answers; ours is first again';
    case 'behind':
      return 'another program runs before the one that answers, and may drop questions';
  }
}
