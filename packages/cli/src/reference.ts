// SPDX-License-Identifier: Apache-2.0
/** The parts of docs/reference/cli.md that are made from the definitions which `--help` shows. */
import type { Argument, Command, Option } from 'commander';
import { programFor } from './command-line.ts';
import { EXIT_TEXTS } from './exit-texts.ts';

/** Begin and end of a part that is made; what stands around them is written by hand. */
const PART = /(<!-- begin: (\w+), made by npm run reference -->\n).*?(<!-- end: \2 -->)/gs;

/** The page with its made parts as they should be. */
export function referencePage(page: string): string {
  const program = programFor();
  const parts: Readonly<Record<string, string>> = {
    exit: exitTable(),
    options: optionTable(program.options),
    commands: leaves(program)
      .map(([name, command]) => section(name, command))
      .join('\n'),
  };
  return page.replaceAll(
    PART,
    (_, begin: string, name: string, end: string) => `${begin}\n${parts[name] ?? ''}\n${end}`,
  );
}

function leaves(command: Command, path = ''): [name: string, command: Command][] {
  return shown(command).flatMap((one) => {
    const name = `${path}${one.name()}`;
    return one.commands.length > 0 ? leaves(one, `${name} `) : [[name, one] as [string, Command]];
  });
}

/** Without hidden commands, as `--help` lists them. */
function shown(command: Command): Command[] {
  const help = command.createHelp();
  return help.visibleCommands(command).filter((one) => one.name() !== 'help');
}

function exitTable(): string {
  const rows = Object.entries(EXIT_TEXTS).map(([code, text]) => `| ${code} | ${text} |\n`);
  return `| exit code | meaning |\n|---|---|\n${rows.join('')}`;
}

function section(name: string, command: Command): string {
  const usage = [name, ...command.registeredArguments.map(argumentText)].join(' ');
  const meanings = command.registeredArguments.map((one) => `\`${argumentText(one)}\`: ${cell(one.description)}.\n`);
  const options = command.options.length === 0 ? '' : `\n${optionTable(command.options)}`;
  return `### ${usage}\n\n${escaped(command.description())}\n${meanings.length > 0 ? `\n${meanings.join('\n')}` : ''}${options}`;
}

function argumentText(argument: Argument): string {
  const text = `${argument.name().toUpperCase()}${argument.variadic ? '...' : ''}`;
  return argument.required ? text : `[${text}]`;
}

function optionTable(options: readonly Option[]): string {
  const rows = options.map(
    (option) => `| \`${flagsOf(option)}\` | ${cell(option.description)} | ${defaultOf(option)} |\n`,
  );
  return `| option | meaning | default |\n|---|---|---|\n${rows.join('')}`;
}

function flagsOf({ flags, argChoices }: Option): string {
  const choices = argChoices?.join('\\|');
  return choices === undefined ? flags : flags.replace(/<\w+>/, choices);
}

function defaultOf({ defaultValue }: Option): string {
  return typeof defaultValue === 'boolean' || defaultValue === undefined ? '' : `\`${String(defaultValue)}\``;
}

function cell(text: string): string {
  return escaped(text).replaceAll('|', '\\|');
}

/** Text as Markdown shows it: no tag, no emphasis. */
function escaped(text: string): string {
  return text.replaceAll(/[<>*_]/g, (one) => `\\${one}`);
}
