// SPDX-License-Identifier: Apache-2.0
/** What can stand where the cursor is in a command line; from the same definitions as `--help`. */
import type { Command, Option } from 'commander';

/** Names that only the cluster knows. */
export type LiveKind = 'vip' | 'node' | 'service' | 'about' | 'address';

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

export interface Completion {
  /** What the word at the cursor begins with. */
  readonly prefix: string;
  readonly candidates: readonly Candidate[];
  /** What is to be asked of the cluster beside them. */
  readonly live: LiveKind | undefined;
  /** Whether a file may stand there. */
  readonly isFile: boolean;
  /** The options of the whole program that the line has, as words. */
  readonly programOptions: readonly string[];
}

/** Arguments by their names in the definitions. */
const LIVE: readonly string[] = ['vip', 'node', 'service', 'about', 'address'] satisfies LiveKind[];
const FILES: readonly string[] = ['file'];
/** Options whose value is one, by how the definitions call it. */
const FILE_VALUE = /<(file|path)(\.\.\.)?>/;

/** `words`: after the program's name, up to the cursor; the last one is at the cursor, and may be empty. */
export function completionOf(program: Command, words: readonly string[]): Completion {
  const prefix = words.at(-1) ?? '';
  const walk = walked(program, words.slice(0, -1));
  const { command, pending, position, programOptions } = walk;
  const base = { prefix, candidates: [], live: undefined, isFile: false, programOptions };
  if (pending !== undefined) {
    const candidates = (pending.argChoices ?? []).map((value) => ({ value, description: '' }));
    return { ...base, candidates: matching(candidates, prefix), isFile: FILE_VALUE.test(pending.flags) };
  }
  if (prefix.startsWith('-') && !walk.isOnlyArguments)
    return { ...base, candidates: matching(optionsOf(program, walk), prefix) };
  if (command.commands.length > 0) return { ...base, candidates: matching(commandsOf(command), prefix) };
  const all = command.registeredArguments;
  const argument = all[position] ?? (all.at(-1)?.variadic === true ? all.at(-1) : undefined);
  const name = argument?.name() ?? '';
  const choices = (argument?.argChoices ?? []).map((value) => ({ value, description: '' }));
  const live = LIVE.includes(name) ? (name as LiveKind) : undefined;
  return { ...base, candidates: matching(choices, prefix), live, isFile: FILES.includes(name) };
}

/** Those that begin so. */
export function matching(candidates: readonly Candidate[], prefix: string): readonly Candidate[] {
  return candidates.filter(({ value }) => value.startsWith(prefix));
}

interface Walk {
  readonly command: Command;
  /** The option whose value the next word is. */
  readonly pending: Option | undefined;
  /** How many arguments the command has so far. */
  readonly position: number;
  readonly used: readonly Option[];
  /** Whether `--` has come. */
  readonly isOnlyArguments: boolean;
  readonly programOptions: readonly string[];
}

function walked(program: Command, words: readonly string[]): Walk {
  const start: Walk = {
    ...{ command: program, pending: undefined, position: 0, used: [] },
    ...{ isOnlyArguments: false, programOptions: [] },
  };
  return words.reduce((walk, word) => step(program, walk, word), start);
}

function step(program: Command, walk: Walk, word: string): Walk {
  const { command, pending, position, used, programOptions } = walk;
  const keeping = (option: Option) => (program.options.includes(option) ? [...programOptions, word] : programOptions);
  if (pending !== undefined) return { ...walk, pending: undefined, programOptions: keeping(pending) };
  if (word === '--') return { ...walk, isOnlyArguments: true };
  if (word.startsWith('-') && word !== '-' && !walk.isOnlyArguments) {
    const [flag] = word.split('=');
    const option = [...command.options, ...program.options].find(({ short, long }) => flag === short || flag === long);
    if (option === undefined) return walk;
    const takesNext = (option.required || option.optional) && !word.includes('=');
    const next = takesNext ? option : undefined;
    return { ...walk, pending: next, used: [...used, option], programOptions: keeping(option) };
  }
  const sub = command.commands.find((one) => one.name() === word);
  return sub === undefined ? { ...walk, position: position + 1 } : { ...walk, command: sub, position: 0 };
}

function optionsOf(program: Command, { command, used }: Walk): Candidate[] {
  const own = command === program ? [] : command.options;
  const open = [...own, ...program.options].filter((option) => !option.hidden && !used.includes(option));
  const rows = open.map(({ long, short, description }) => ({ value: long ?? short ?? '', description }));
  return [...rows, { value: '--help', description: 'display help for command' }];
}

function commandsOf(command: Command): Candidate[] {
  const all = command.createHelp().visibleCommands(command);
  const visible = command.parent === null ? all : all.filter((one) => one.name() !== 'help');
  return visible.map((one) => ({ value: one.name(), description: one.summary() || one.description() }));
}
