import { parseArgs } from 'node:util';
import type { Options } from './options.ts';

interface Command extends Options {
  readonly names: readonly string[];
  /** Reports go out as JSON. */
  readonly json: boolean;
}

const helpOf = (known: readonly string[]): string => `npm run bench -- [name …] [options]

Runs the benchmarks of these names, or all: ${known.join(', ')}.
Prints a table and keeps results/<name>.json and the tables of README.md.

  --rounds N   a quick look at those that go in rounds; keeps nothing
  --quick      a quick look at small sizes; keeps nothing
  --json       prints each report as a line of JSON instead of its tables
  --help       prints this
`;

/** What the command line asks for; ends the process after --help, and with 2 where it cannot be. */
export function command(known: readonly string[]): Command {
  try {
    return parse(known);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${helpOf(known)}`);
    process.exit(2);
  }
}

function parse(known: readonly string[]): Command {
  const { values, positionals } = parseArgs({
    options: {
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.info(helpOf(known));
    process.exit(0);
  }
  const { quick, json } = values;
  const rounds = values.rounds === undefined ? (quick ? 2 : undefined) : Number(values.rounds);
  if (rounds !== undefined && !(Number.isSafeInteger(rounds) && rounds > 0)) {
    throw new Error(`--rounds ${values.rounds}: give a whole number from 1.`);
  }
  const names = positionals.length > 0 ? positionals : known;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`There is no benchmark ${unknown}.`);
  return { names, rounds, quick, json };
}
