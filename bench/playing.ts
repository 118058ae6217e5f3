// SPDX-License-Identifier: Apache-2.0

// Scenarios and rounds that may fail: on a busy machine not every one can be played as it was meant.

import { type Figure, formatFigures } from './report.ts';

/** Where it is played. */
export interface Ground {
  readonly progress: (line: string) => void;
  /** What people should know of the run besides its figures. */
  readonly notes: string[];
  /** Undoes whatever a scenario may have left. Default: there is nothing. */
  mend?(): Promise<void>;
}

/**
 * Tells the figures at once: a run of half an hour that is ended has not measured in vain. One scenario that cannot be
 * measured does not cost the others; but the run has failed.
 */
export async function measured(ground: Ground, about: string, measure: () => Promise<Figure[]>): Promise<Figure[]> {
  try {
    const figures = await measure();
    ground.progress(formatFigures(figures));
    return figures;
  } catch (error) {
    const note = `NOT MEASURED: ${about}: ${(error as Error).message}`;
    ground.progress(note);
    ground.notes.push(note);
    process.exitCode = 1;
    // If the lab cannot be mended now, the next scenario tries again.
    await ground.mend?.().catch((cause) => ground.progress(`lab not mended: ${cause.message}`));
    return [];
  }
}

/** Plays a round; when that fails, mends the lab and plays it again, so often in all. Throws the last failure. */
export async function played<T>(
  ground: Ground,
  { title, attempts }: { readonly title: string; readonly attempts: number },
  play: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      ground.progress(title);
      return await play();
    } catch (error) {
      const what = `${title}: ${(error as Error).message.split('\n')[0]}`;
      if (attempt === attempts) throw new Error(what, { cause: error });
      ground.progress(`${what}; mending the lab and playing it again`);
      ground.notes.push(`played again: ${what}`);
      await ground.mend?.();
    }
  }
}
