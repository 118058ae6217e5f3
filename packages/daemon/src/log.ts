// SPDX-License-Identifier: Apache-2.0
/** The log: one JSON object a line on standard output. */
import { createLogger, format, transports } from 'winston';

/** What the parts of a process log through. Fields are values that a program can read. */
export interface Log {
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export function openLog(level: string): Log {
  return createLogger({
    level,
    format: format.combine(format.timestamp(), format.json()),
    transports: [new transports.Console()],
  });
}

/** An error as fields: its message and, where it has them, code and system call. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) };
  const { code, syscall } = error as NodeJS.ErrnoException;
  return { error: error.message, ...(code && { code }), ...(syscall && { syscall }) };
}
