import { parseArgs } from 'node:util';
import { SojournError } from 'sojourn';
import { type Config, ConfigError, readConfig, usageError } from '../config.ts';
import { checkPlace } from '../place.ts';
import { closeSessions, hasData, type Opened, openSessions, openUsers } from '../stores.ts';
import { Owed } from '../users/owed.ts';
import { checkAccount, type User, UserError, type Users } from '../users/users.ts';
import { readPassword } from './password.ts';

const help = `Usage: sojourn users <action> [options]

Actions:
  add <name>            make an account; its password is read from standard input
  list                  all accounts
  disable <name>        end its sessions and refuse every sign-in
  enable <name>         let it sign in again
  set-password <name>   read a new password from standard input, and end its sessions

Options:
  --permission <name>   of the new account; may be given several times
  --data <data>         folder of everything the server keeps; default SOJOURN_DATA, else ./data
  --store <store>       where the server keeps sessions: the address that it was started with;
                        default SOJOURN_STORE, else sqlite:<data>/sessions.db
  --json                answer as JSON
  --help                this text

A server that runs on the same folder follows at once. The folder remembers where its
server keeps sessions, and what would end none there is refused.`;

interface Asked {
  readonly action: string;
  readonly name: string;
  readonly permissions: readonly string[];
}

/** What an action did: a sentence for people, and the same as data. */
interface Done {
  readonly says: string;
  readonly data: unknown;
}

interface Kept {
  /** To be asked for once nothing more can be wrong: that may begin a new folder. */
  users(): Users;
  /** The sessions of the folder's server. To be asked for before the account is changed: it may not be known where they are. */
  sessions(): Promise<Opened['sessions']>;
}

type Action = (kept: Kept, asked: Asked) => Promise<Done> | Done;

/** Who ends the sessions, in their endings and events. */
const by = 'operator';

const actions: Readonly<Record<string, Action>> = {
  async add(kept, { name, permissions }) {
    const password = await readPassword();
    checkAccount(name, password);
    const user = await kept.users().add(name, password, permissions);
    return { says: `Account ${user.name} made.`, data: shown(user) };
  },
  list(kept) {
    const all = kept.users().all();
    return { says: all.map(line).join('\n') || 'There are no accounts.', data: all.map(shown) };
  },
  async disable(kept, { name }) {
    const users = kept.users();
    const { id } = named(users.byName(name), name);
    const sessions = await kept.sessions();
    // The account first: a sign-in that was under way is refused by the second step.
    users.setDisabled(id, true);
    const ended = await orSay(
      `Account ${name} is disabled, and its sessions are not ended yet`,
      'The server refuses each; run this once more to end them now.',
      () => sessions.disable(id, { by }),
    );
    return { says: `Account ${name} disabled. ${sessionsEnded(ended)}`, data: { name, disabled: true, ended } };
  },
  async enable(kept, { name }) {
    const users = kept.users();
    const { id } = named(users.byName(name), name);
    const sessions = await kept.sessions();
    await orSay(`Account ${name} is still disabled`, 'Run this once more.', () => sessions.enable(id));
    users.setDisabled(id, false);
    return { says: `Account ${name} enabled.`, data: { name, disabled: false } };
  },
  async 'set-password'(kept, { name }) {
    const users = kept.users();
    const { id } = named(users.byName(name), name);
    const sessions = await kept.sessions();
    await users.setPassword(id, await readPassword(), { by });
    const ended = await orSay(
      `The new password of ${name} holds, and its sessions are not ended yet`,
      'The server ends them before it serves the account again; run this once more to end them now.',
      async () => (await new Owed({ sessions, users }).end(id)) ?? 0,
    );
    return { says: `Password of ${name} set. ${sessionsEnded(ended)}`, data: { name, ended } };
  },
};

/** What the store has to do. Where it fails, a `UserError` says what is done, what is not, and what to do about it. */
async function orSay<T>(says: string, fix: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof SojournError)) throw error;
    throw new UserError(`${says}: ${error.message} ${fix}`, { cause: error });
  }
}

/** `sojourn users`: the accounts, also while the server runs. */
export async function users(args: readonly string[]): Promise<void> {
  const { values, positionals } = read(args);
  const [action = '', name = '', ...more] = positionals;
  if (values.help) {
    console.log(help);
    return;
  }
  const act = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (act === undefined && action !== '') {
    throw new ConfigError(`There is no action ${action}: use ${Object.keys(actions).join(', ')}.`);
  }
  if (act === undefined || more.length > 0 || (name === '') !== (action === 'list')) {
    throw new ConfigError('Name an action, and an account unless it is list. See sojourn users --help.');
  }
  const { data, store, permission: permissions = [], json } = values;
  const given = [...(data === undefined ? [] : ['--data', data]), ...(store === undefined ? [] : ['--store', store])];
  const config = readConfig(given, process.env);
  // A folder that was mistyped must not look like one whose accounts are lost.
  const begins = !hasData(config);
  if (begins && act !== actions['add']) {
    throw new ConfigError(`There are no accounts in ${config.data}: name the server's folder with --data.`);
  }
  const kept = new OpenedWhenAsked(config);
  try {
    const done = await act(kept, { action, name, permissions });
    console.log(json ? JSON.stringify(done.data, null, 2) : done.says);
    if (begins) {
      console.error(
        `There were no accounts in ${config.data}: this is the first, for a server that is yet to be started there. If yours keeps them elsewhere, name its folder with --data.`,
      );
    }
  } finally {
    await kept.close();
  }
}

class OpenedWhenAsked implements Kept {
  readonly #config: Config;
  #users: Users | null = null;
  #opened: Opened | null = null;

  constructor(config: Config) {
    this.#config = config;
  }

  users(): Users {
    this.#users ??= openUsers(this.#config);
    return this.#users;
  }

  async sessions(): Promise<Opened['sessions']> {
    checkPlace(this.#config, this.users());
    this.#opened ??= await openSessions(this.#config, { sweeps: false });
    return this.#opened.sessions;
  }

  async close(): Promise<void> {
    if (this.#opened !== null) await closeSessions(this.#opened);
    this.#users?.close();
  }
}

interface Given {
  readonly values: { data?: string; store?: string; permission?: string[]; json?: boolean; help?: boolean };
  readonly positionals: readonly string[];
}

function read(args: readonly string[]): Given {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        data: { type: 'string' },
        store: { type: 'string' },
        permission: { type: 'string', multiple: true },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw usageError('users', error);
  }
}

function named(user: User | null, name: string): User {
  if (user) return user;
  throw new UserError(`There is no account ${name}. See sojourn users list.`);
}

function shown({ id, name, permissions, disabled, createdAt }: User): object {
  return { id, name, permissions, disabled, createdAt };
}

function line({ name, permissions, disabled }: User): string {
  return `${name.padEnd(24)} ${disabled ? 'disabled' : 'enabled '}  ${permissions.join(', ') || 'no permissions'}`;
}

/** A server on the same folder may have been faster, so this is not how many there were. */
function sessionsEnded(ended: number): string {
  if (ended === 0) return 'No session was left for this command to end.';
  return `This command ended ${ended === 1 ? 'one session' : `${ended} sessions`}.`;
}
