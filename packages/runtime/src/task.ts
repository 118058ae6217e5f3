// SPDX-License-Identifier: Apache-2.0

/**
 * Something that runs until it is stopped. `main` starts tasks in order and stops them in reverse. A task ends by
 * itself only through a bug: then its failure is an unhandled rejection, which `main` turns into an orderly end of the
 * process.
 */
export interface Task {
  readonly name: string;
  /** Resolves once the task has done its first work, e.g. has listed everything. */
  readonly ready: Promise<void>;
  start(): void;
  /** Resolves when nothing of the task is running any more. Reports no error for being stopped. */
  stop(): Promise<void>;
}
