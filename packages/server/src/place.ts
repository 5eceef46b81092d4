import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { type Config, ConfigError } from './config.ts';
import { shownAddress } from './engines.ts';
import type { Users } from './users/users.ts';

/*
 * The folder of the data remembers where its server keeps sessions, so that a command beside it ends
 * sessions there and not in a store that nobody uses.
 */

const ports: Readonly<Record<string, string>> = { 'redis:': '6379', 'rediss:': '6379', 'postgres:': '5432' };

/**
 * Where an address leads, however it is written: without user and password. A file in the folder of the
 * data is named from there, for a folder may be moved.
 */
export function placeOf(store: string, data: string): string {
  if (store.startsWith('sqlite:')) return `sqlite:${pathFrom(data, store.slice('sqlite:'.length))}`;
  const address = store.replace(/^postgresql:/, 'postgres:');
  const url = URL.parse(address);
  // Where it is not certain which part is the password, the scheme is all that is kept.
  if (url === null || shownAddress(address).endsWith('…')) return shownAddress(address);
  const { protocol, hostname, searchParams } = url;
  // The client of PostgreSQL takes both from behind the question mark too; a socket's folder is a host there.
  const given = (name: string): string | null => (protocol === 'postgres:' ? searchParams.get(name) : null);
  const host = (given('host') ?? hostname).replaceAll('/', '%2F');
  const port = given('port') ?? (url.port || ports[protocol]);
  const unnamed = protocol === 'postgres:' ? url.username : '0';
  return `${protocol}//${host.startsWith('%') ? host : host.toLowerCase()}:${port}/${url.pathname.slice(1) || unnamed}`;
}

function pathFrom(data: string, path: string): string {
  const inside = relative(real(data), real(path));
  return inside.startsWith('..') || isAbsolute(inside) ? real(path) : inside;
}

/** One path for one file, through whichever link it is reached; the file itself need not be there yet. */
function real(path: string): string {
  const whole = resolve(path);
  if (existsSync(whole)) return realpathSync(whole);
  return existsSync(dirname(whole)) ? join(realpathSync(dirname(whole)), basename(whole)) : whole;
}

/** As `--store` takes it, but for user and password. */
function shownPlace(place: string, data: string): string {
  if (!place.startsWith('sqlite:')) return place;
  const path = place.slice('sqlite:'.length);
  return `sqlite:${isAbsolute(path) ? path : join(data, path)}`;
}

/** Keeps where this server's sessions are. A sentence for the log where they were somewhere else the last time. */
export function remember({ store, data }: Pick<Config, 'store' | 'data'>, users: Users): string | null {
  const [before, now] = [users.sessionsIn, placeOf(store, data)];
  if (before === now) return null;
  users.keepSessionsIn(now);
  if (before === null) return null;
  return `The sessions of ${data} were in ${shownPlace(before, data)} the last time and are in ${shownAddress(store)} now: sojourn migrate moves them.`;
}

/** Throws `ConfigError` where a command would not find the sessions of the folder's server, and would make an empty file instead. */
export function checkPlace({ store, data }: Pick<Config, 'store' | 'data'>, users: Users): void {
  const known = users.sessionsIn;
  if (known !== null && known !== placeOf(store, data)) {
    throw new ConfigError(
      `The server on ${data} keeps its sessions in ${shownPlace(known, data)}, not in ${shownAddress(store)}: give the store that it was started with by --store or SOJOURN_STORE.`,
    );
  }
  if (store.startsWith('sqlite:') && !existsSync(store.slice('sqlite:'.length))) {
    throw new ConfigError(
      `There are no sessions in ${store}: start the server first, or give the store that it was started with by --store or SOJOURN_STORE.`,
    );
  }
}
