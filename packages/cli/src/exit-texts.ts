// SPDX-License-Identifier: Apache-2.0
/** What the exit codes mean, for `--help` and the reference. */
import { EXIT } from './environment.ts';

export const EXIT_TEXTS: Readonly<Record<(typeof EXIT)[keyof typeof EXIT], string>> = {
  [EXIT.ok]: 'all went well; of `status`: nothing is wrong',
  [EXIT.failed]:
    'something is not so or could not be done; of `status`, `doctor`, `check` and `migrate metallb`: something is wrong; of `lint` and `preview`: refused',
  [EXIT.usage]: 'the command line was wrong',
  [EXIT.noSpeaker]:
    'of `status`: no speaker is there, so no one answers for any VIP; of `doctor`: nothing is wrong, and Berth is not installed',
  [EXIT.stranded]: 'of `preview`: Services would be stranded',
};

/** The same for a terminal. */
export function exitHelp(): string {
  const lines = Object.entries(EXIT_TEXTS).map(([code, text]) => `  ${code}  ${text.replaceAll('`', '')}`);
  return `\nExit codes:\n${lines.join('\n')}`;
}
