// SPDX-License-Identifier: Apache-2.0
/**
 * Reads YAML into plain values with their places, in bounded time and memory: tokens are counted and nesting is
 * measured before anything is built of them, aliases count with what they stand for (so that a billion laughs are
 * refused), keys are unique.
 */
import { Composer, type CST, type Document, Lexer, LineCounter, Parser } from 'yaml';
import { MAX_DOCUMENTS, MAX_PROBLEMS, MAX_TOKENS, ReadingBudget } from './reading-budget.ts';
import { keyOffsetOf, offsetOf } from './yaml-offset.ts';
import { MAX_DEPTH, type Path } from './yaml-text-parts.ts';
import { type Report, ValueReader } from './yaml-values.ts';

/** Largest text, in characters; a ConfigMap cannot hold more. */
export const MAX_TEXT_CHARACTERS = 1 << 20;
/** Most syntax errors of one document that are reported: the later ones follow from the first. */
const MAX_SYNTAX_ERRORS = 5;

export interface Place {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

export interface SourceDocument {
  /** From 1. */
  readonly document: number;
  /** Strings, numbers, booleans, null, arrays and objects without prototype. */
  readonly value: unknown;
  /** The place of the value at a path, or of the nearest thing above it that is there. */
  locate(path: Path): Place;
  /** The place of a key in the object at a path. */
  locateKey(path: Path, key: string): Place;
}

export interface YamlProblem extends Place {
  readonly document: number;
  readonly found: string;
  readonly wanted: string;
  /** What the YAML parser says about it. */
  readonly reason?: string;
}

export interface YamlText {
  readonly documents: readonly SourceDocument[];
  readonly problems: readonly YamlProblem[];
}

/** Reads all documents of a text, within what is left of the budget; those with problems are left out. Never throws. */
export function readYaml(text: string, budget: ReadingBudget = new ReadingBudget()): YamlText {
  if (text.length > MAX_TEXT_CHARACTERS) {
    return { documents: [], problems: [tooMuch({ line: 1, column: 1, document: 1 }, `${text.length} characters`)] };
  }
  return new YamlReader(budget).read(text);
}

/** Entries on the stack of the parser beside one for each level: the document and the value that is just being read. */
const STACK_MARGIN = 2;

class YamlReader {
  readonly #lines = new LineCounter();
  readonly #documents: SourceDocument[] = [];
  readonly #problems: YamlProblem[] = [];
  readonly #budget: ReadingBudget;

  constructor(budget: ReadingBudget) {
    this.#budget = budget;
  }

  read(text: string): YamlText {
    // Uniqueness of keys is tested here: the parser's own test takes quadratic time.
    const composer = new Composer({ uniqueKeys: false, prettyErrors: false, logLevel: 'silent' });
    let number = 0;
    for (const document of composer.compose(this.#parse(text))) {
      number++;
      if (!this.#budget.take('documents')) {
        this.#report(number, document.range[0], 'one document more', `at most ${MAX_DOCUMENTS} documents`);
        break;
      }
      this.#readDocument(document, number);
    }
    return { documents: this.#documents, problems: this.#problems };
  }

  /** The concrete syntax; ends early, and so without the document that was begun, where there is too much of it. */
  *#parse(text: string): Generator<CST.Token> {
    const parser = new Parser(this.#lines.addNewLine);
    this.#lines.addNewLine(0);
    for (const lexeme of new Lexer().lex(text)) {
      const excess = this.#excess(parser, lexeme);
      if (excess !== undefined) {
        this.#report(this.#documents.length + 1, parser.offset, ...excess);
        return;
      }
      yield* parser.next(lexeme);
    }
    yield* parser.end();
  }

  /** What there is too much of, and how much may be. */
  #excess({ stack }: Parser, { length }: string): [found: string, wanted: string] | undefined {
    const { tokenCharacters } = this.#budget;
    if (length > tokenCharacters) return ['a longer text', `at most ${tokenCharacters} characters in one value`];
    if (!this.#budget.take('tokens')) return ['more YAML than is read', `at most ${MAX_TOKENS} tokens in all`];
    if (stack.length > MAX_DEPTH + STACK_MARGIN) return ['deeper nesting', `at most ${MAX_DEPTH} levels`];
    return undefined;
  }

  #readDocument(document: Document.Parsed, number: number): void {
    const before = this.#problems.length;
    for (const { pos, message } of document.errors.slice(0, MAX_SYNTAX_ERRORS)) {
      this.#report(number, pos[0], 'text that is not YAML', 'well-formed YAML', message);
    }
    const value =
      document.errors.length === 0 ? new ValueReader(this.#take, this.#reportOf(number)).read(document) : undefined;
    if (this.#problems.length > before) return;
    this.#documents.push({
      document: number,
      value,
      locate: (path) => this.#place(offsetOf(document.contents, path)),
      locateKey: (path, key) => this.#place(keyOffsetOf(document.contents, path, key)),
    });
  }

  /** Counts values against the budget; false when it is used up. */
  readonly #take = (count: number): boolean => this.#budget.take('values', count);

  #reportOf(document: number): Report {
    return (offset, found, wanted) => this.#report(document, offset, found, wanted);
  }

  #report(document: number, offset: number, found: string, wanted: string, reason?: string): void {
    if (this.#problems.length >= MAX_PROBLEMS) return;
    const more = reason === undefined ? {} : { reason };
    this.#problems.push({ document, ...this.#place(offset), found, wanted, ...more });
  }

  #place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

function tooMuch(place: Place & { document: number }, found: string): YamlProblem {
  return { ...place, found, wanted: `at most ${MAX_TEXT_CHARACTERS} characters` };
}
