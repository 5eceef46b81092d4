import { parseArgs } from 'node:util';
import { type PolicyName, policyNames } from 'sojourn';
import { isEngine, shownAddress } from './engines.ts';

/** What the server was started with, checked. */
export interface Config {
  readonly port: number;
  readonly host: string;
  /** Folder of everything the server keeps. */
  readonly data: string;
  /** `sqlite:<path>`, `redis://…`, `rediss://…` or `postgres://…`. */
  readonly store: string;
  /** Scheme, host and port at which people reach the server; `null`: loopback hosts only. */
  readonly origin: string | null;
  /** Proxies in front that add to X-Forwarded-For. */
  readonly trustProxy: number;
  readonly policy: PolicyName;
  /** The buttons of the lifecycle page that act on the visitor's own session. */
  readonly demo: boolean;
}

/** A setting that cannot be. The message names the flag and the fix. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

interface Setting {
  readonly flag: string;
  readonly type: 'string' | 'boolean';
  readonly value: string;
  readonly says: string;
}

/** One row a setting: the flag, what it takes, and what `--help` says. Each also reads SOJOURN_<FLAG>. */
const settings: readonly Setting[] = [
  { flag: 'port', type: 'string', value: '7420', says: 'port to listen on' },
  { flag: 'host', type: 'string', value: 'localhost', says: 'address to listen on' },
  { flag: 'data', type: 'string', value: './data', says: 'folder of everything the server keeps' },
  {
    flag: 'store',
    type: 'string',
    value: '',
    says: 'where sessions are kept: sqlite:<path>, redis://…, rediss://…, postgres://…; default sqlite:<data>/sessions.db',
  },
  {
    flag: 'origin',
    type: 'string',
    value: '',
    says: 'https address people use; without it only loopback hosts are served',
  },
  { flag: 'trust-proxy', type: 'string', value: '0', says: 'how many proxies in front add to X-Forwarded-For' },
  { flag: 'policy', type: 'string', value: 'default', says: `limits of sessions: ${policyNames.join(', ')}` },
  {
    flag: 'demo',
    type: 'boolean',
    value: '',
    says: 'buttons on the lifecycle page; default only when origin is loopback',
  },
];

/** The text of `sojourn serve --help`. */
export function helpText(): string {
  const rows = settings.map(({ flag, type, value, says }) => {
    const names = type === 'boolean' ? `--${flag}, --no-${flag}` : `--${flag} <${flag}>`;
    return `  ${names.padEnd(28)} ${variable(flag).padEnd(20)} ${says}${value === '' ? '' : ` (${value})`}`;
  });
  return [
    'Usage: sojourn serve [options]',
    '',
    'Options, each also as the variable beside it:',
    ...rows,
    '  --print-config                                    print the settings as JSON and stop',
    '  --help                                            this text',
    '',
    `${adminPassword}   password of the account \`admin\`, made at the first start; generated and printed once if unset`,
  ].join('\n');
}

function variable(flag: string): string {
  return `SOJOURN_${flag.toUpperCase().replaceAll('-', '_')}`;
}

const adminPassword = 'SOJOURN_ADMIN_PASSWORD';
/** What Kubernetes tells every pod of a Service called `sojourn`. */
const ofKubernetes = /^SOJOURN_(SERVICE|PORT_\d+)_/;

/** A variable with our prefix that nobody reads is a mistake that would otherwise be noticed late. */
function checkVariables(env: NodeJS.ProcessEnv): void {
  const known = [...settings.map(({ flag }) => variable(flag)), adminPassword];
  const unknown = Object.keys(env).find(
    (name) => name.startsWith('SOJOURN_') && !known.includes(name) && !ofKubernetes.test(name),
  );
  if (unknown === undefined) return;
  const near = known.toSorted((a, b) => likeness(b, unknown) - likeness(a, unknown)).slice(0, 3);
  throw new ConfigError(`${unknown} is not a setting. The nearest are ${near.join(', ')}; see sojourn serve --help.`);
}

/** The share of the pairs of letters that two names have in common, from 0 to 1 (Dice's coefficient). */
function likeness(one: string, other: string): number {
  const pairs = (name: string): string[] =>
    [...name.slice('SOJOURN'.length, -1)].map((_, i) => name.slice(i + 7, i + 9));
  const [ones, others] = [pairs(one), pairs(other)];
  const common = ones.filter((pair) => others.includes(pair)).length;
  return (2 * common) / (ones.length + others.length);
}

/** What is wrong with a command's arguments, by the error of Node's `parseArgs`. */
export function usageError(command: string, error: unknown): ConfigError {
  const [said = ''] = (error instanceof Error ? error.message : String(error)).split(/\.(?:\s|$)/, 1);
  return new ConfigError(`${said}. See sojourn ${command} --help.`);
}

/** Flags before variables before defaults. Throws `ConfigError` for what cannot be. */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv): Config {
  const given = parse(args);
  checkVariables(env);
  const text = ({ flag, value }: Setting): string => given[flag] ?? env[variable(flag)] ?? value;
  const known = Object.fromEntries(settings.map((setting) => [setting.flag, text(setting)]));
  const data = known['data'] || './data';
  const origin = known['origin'] ? checkOrigin(known['origin']) : null;
  const trustProxy = whole('trust-proxy', known['trust-proxy'] === 'true' ? '1' : known['trust-proxy'], 16);
  if (trustProxy > 0 && origin === null) {
    throw new ConfigError(`--trust-proxy ${trustProxy}: set --origin too, the https address that people use.`);
  }
  return {
    port: whole('port', known['port'], 65_535),
    host: known['host'] || 'localhost',
    data,
    store: checkStore(known['store'] || `sqlite:${data}/sessions.db`),
    origin,
    trustProxy,
    policy: oneOf('policy', known['policy'], policyNames),
    demo: known['demo'] ? flagOf('demo', known['demo']) : isLoopbackOrigin(origin),
  };
}

function parse(args: readonly string[]): Readonly<Record<string, string>> {
  const options = Object.fromEntries(settings.map(({ flag, type }) => [flag, { type }]));
  try {
    const { values } = parseArgs({ args: [...args], options, allowNegative: true, strict: true });
    return Object.fromEntries(Object.entries(values).map(([flag, value]) => [flag, String(value)]));
  } catch (error) {
    throw usageError('serve', error);
  }
}

function whole(flag: string, text: string | undefined, most: number): number {
  const value = Number(text);
  if (text !== undefined && /^\d+$/.test(text) && value <= most) return value;
  throw new ConfigError(`--${flag} ${text}: use a whole number from 0 to ${most}.`);
}

function oneOf<T extends string>(flag: string, text: string | undefined, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === text);
  if (found) return found;
  throw new ConfigError(`--${flag} ${text}: use one of ${allowed.join(', ')}.`);
}

function flagOf(flag: string, text: string): boolean {
  return oneOf(flag, text, ['true', 'false']) === 'true';
}

function checkStore(text: string): string {
  if (isEngine(text)) return text;
  throw new ConfigError(`--store ${shownAddress(text)}: use sqlite:<path>, redis://…, rediss://… or postgres://….`);
}

/** As the library checks it, before anything is opened. */
function checkOrigin(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ConfigError(`--origin ${text}: write it as https://example.com, without a path.`);
  }
  // Before its spelling: the origin to write is one that is taken.
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new ConfigError(`--origin ${text}: use https, or a loopback host.`);
  }
  if (url.origin !== text) throw new ConfigError(`--origin ${text}: write it as ${url.origin}.`);
  return text;
}

function isLoopbackOrigin(origin: string | null): boolean {
  if (origin === null) return true;
  return isLoopback(URL.parse(origin)?.hostname ?? '');
}

/** Exact, as the library's: `127.example.com` is a name like any other. */
function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$|\.localhost$/.test(hostname);
}
