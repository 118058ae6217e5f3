// SPDX-License-Identifier: Apache-2.0
import type { Log, LogFields } from '../log.ts';

/** A log that keeps what it is given, for a test to look at: `warn a message`, and the fields beside it. */
export class RecordingLog implements Log {
  readonly lines: string[] = [];
  readonly fields: LogFields[] = [];

  error(message: string, fields: LogFields = {}): void {
    this.#keep('error', message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#keep('warn', message, fields);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#keep('info', message, fields);
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#keep('debug', message, fields);
  }

  #keep(level: string, message: string, fields: LogFields): void {
    this.lines.push(`${level} ${message}`);
    this.fields.push(fields);
  }
}
