// SPDX-License-Identifier: Apache-2.0
/** The log of a process, by winston: a JSON object a line, or text for a person who reads along, on standard output. */
import { Writable } from 'node:stream';
import { createLogger, format, type Logform, transports } from 'winston';

/** What the parts of a process log through. Fields are values that a program can read. */
export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** The most important first. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * `json`: an object a line, with timestamp, level and message first. `text`: the same in words, with fields as
 * `name=value`.
 */
export const LOG_FORMATS = ['json', 'text'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LogOptions {
  /** @default json */
  readonly format?: LogFormat;
  /** Takes one line, which ends in a line feed. @default standard output */
  write?(line: string): void;
  /** @default the machine's clock */
  now?(): Date;
}

/** A log of messages that are at least as important as the level. */
export function openLog(level: LogLevel, options: LogOptions = {}): Log {
  const now = options.now ?? (() => new Date());
  const write = options.write ?? ((line) => process.stdout.write(line));
  const logger = createLogger({
    level,
    levels: Object.fromEntries(LOG_LEVELS.map((name, index) => [name, index])),
    format: FORMATS[options.format ?? 'json'],
    transports: [new transports.Stream({ stream: lineStream(write), eol: '\n' })],
  });
  const at =
    (own: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      const head = { timestamp: now().toISOString(), level: own, message };
      // A field cannot pass for time, level or message.
      logger.log({ ...head, ...fields, ...head });
    };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

/**
 * An error as fields: its message and, where it has them, code and system call. One without a code is a mistake of the
 * program most often, so its stack is kept, and the chain of its causes.
 */
export function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) };
  const { code, syscall } = error as NodeJS.ErrnoException;
  const cause = error.cause === undefined ? {} : { cause: errorFields(error.cause) };
  if (code === undefined) return { error: error.message, stack: error.stack, ...cause };
  return { error: error.message, code, ...(syscall && { syscall }), ...cause };
}

const FORMATS: Readonly<Record<LogFormat, Logform.Format>> = {
  // In the order in which fields were given; winston sorts them otherwise.
  json: format.json({ deterministic: false, circularValue: '[circular]' }),
  text: format.printf(({ timestamp, level, message, ...fields }) => {
    const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${textOf(value)}`);
    return `${timestamp} ${level.toUpperCase().padEnd(5)} ${oneLine(String(message))}${pairs.join('')}`;
  }),
};

// A value with a blank, or none at all, stands in quotation marks.
function textOf(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  if (typeof value === 'bigint') return String(value);
  try {
    return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)) ?? 'undefined';
  } catch {
    return '[circular]';
  }
}

function oneLine(text: string): string {
  return text.replaceAll('\n', '\\n');
}

// winston writes whole lines to a stream.
function lineStream(write: (line: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write(line, _encoding, done) {
      write(String(line));
      done();
    },
  });
}
