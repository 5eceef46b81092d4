import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Store } from 'sojourn';
import { ConfigError, usageError } from '../config.ts';
import { type Engine, isEngine, openEngine, shownAddress } from '../engines.ts';
import { compareClocks } from './migrate/clocks.ts';
import { move } from './migrate/move.ts';
import { progressOn } from './migrate/progress.ts';
import type { Tally } from './migrate/tally.ts';

const help = `Usage: sojourn migrate --from <store> --to <store> [options]

Moves live sessions from one engine to another: nobody is signed out, nobody's
session gets longer, who is disabled stays so, and old cookies are told why they
are refused. Events are not moved: on the new engine they begin anew.

  1. Run it while the application runs.
  2. Stop the application.
  3. Run it again. It writes only what has changed, and ends what has ended.
  4. Start the application on the new engine.

It may be stopped at any moment, and run again as often as you like.

Options:
  --from <store>   where sessions are: sqlite:<path>, redis://…, rediss://…, postgres://…
  --to <store>     where they are to be
  --json           answer as JSON; progress is on standard error
  --help           this text

The exit code is 1 when a session was refused, and the answer says why.`;

/** `sojourn migrate`: from one engine to another. */
export async function migrate(args: readonly string[]): Promise<void> {
  const { from = '', to = '', json, help: asked } = read(args);
  if (asked) {
    console.log(help);
    return;
  }
  check(from, to);
  const source = await open(from, '--from');
  try {
    const target = await open(to, '--to');
    try {
      const tally = await moved(source.store, target.store);
      const names = { from: shownAddress(from), to: shownAddress(to) };
      console.log(json ? JSON.stringify({ ...names, ...tally.toJSON() }, null, 2) : said(names, tally));
      if (tally.refused > 0) process.exitCode = 1;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

function read(args: readonly string[]): { from?: string; to?: string; json?: boolean; help?: boolean } {
  try {
    return parseArgs({
      args: [...args],
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw usageError('migrate', error);
  }
}

function check(from: string, to: string): void {
  for (const [flag, address] of Object.entries({ from, to })) {
    if (!isEngine(address)) {
      const given = address === '' ? '' : ` ${shownAddress(address)}`;
      throw new ConfigError(`--${flag}${given}: use sqlite:<path>, redis://…, rediss://… or postgres://….`);
    }
  }
  if (from === to) throw new ConfigError('--from and --to are the same engine: there is nothing to move.');
  const path = from.startsWith('sqlite:') ? from.slice('sqlite:'.length) : null;
  if (path !== null && !existsSync(path)) throw new ConfigError(`--from ${from}: there is no such file.`);
}

async function open(address: string, flag: string): Promise<Engine> {
  try {
    return await openEngine(address, {});
  } catch (cause) {
    throw new ConfigError(`${flag} ${shownAddress(address)} cannot be opened: ${messageOf(cause)}`, { cause });
  }
}

async function moved(from: Store, to: Store): Promise<Tally> {
  const progress = progressOn(process.stderr);
  try {
    compareClocks(from, to);
    return await move(from, to, progress.show);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`The move stopped: ${messageOf(cause)} Run it again: it goes on from there.`, { cause });
  } finally {
    progress.done();
  }
}

function said({ from, to }: { from: string; to: string }, tally: Tally): string {
  return `From ${from} to ${to}:\n${tally}`;
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /[.!?]$/.test(message) ? message : `${message}.`;
}
