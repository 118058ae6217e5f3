// SPDX-License-Identifier: Apache-2.0
/**
 * The log: one JSON object a line on standard output. Ours, since winston takes 20 MB of resident memory for it:
 * docs/design/0004-memory.md.
 */

/** What the parts of a process log through. Fields are values that a program can read. */
export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** The most important first. */
const LEVELS = ['error', 'warn', 'info', 'debug'] as const;

export type LogLevel = (typeof LEVELS)[number];

export interface LogOptions {
  /** Takes one line, which ends in a line feed. @default standard output */
  write?(line: string): void;
  /** @default the machine's clock */
  now?(): Date;
}

/** A log of messages that are at least as important as the level. */
export function openLog(level: LogLevel, options: LogOptions = {}): Log {
  const write = options.write ?? ((line) => process.stdout.write(line));
  const now = options.now ?? (() => new Date());
  const at = (own: LogLevel) => {
    if (LEVELS.indexOf(own) > LEVELS.indexOf(level)) return () => {};
    return (message: string, fields: LogFields = {}) => {
      const head = { timestamp: now().toISOString(), level: own, message };
      write(`${lineOf(head, fields)}\n`);
    };
  };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

/** An error as fields: its message and, where it has them, code and system call. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) };
  const { code, syscall } = error as NodeJS.ErrnoException;
  return { error: error.message, ...(code && { code }), ...(syscall && { syscall }) };
}

// A field cannot pass for time, level or message. What cannot be written must not keep the message from being written.
function lineOf(head: LogFields, fields: LogFields): string {
  try {
    return JSON.stringify({ ...head, ...fields, ...head }, (_, value) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
  } catch (error) {
    return JSON.stringify({ ...head, unwritable: String(error) });
  }
}
