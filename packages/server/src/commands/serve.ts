import { randomBytes } from 'node:crypto';
import { type Config, ConfigError, helpText, readConfig } from '../config.ts';
import { shownAddress } from '../engines.ts';
import { remember } from '../place.ts';
import { createServer, type Server } from '../server.ts';
import { checkPassword } from '../users/users.ts';

/** `sojourn serve`: until SIGINT or SIGTERM. */
export async function serve(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(helpText());
    return;
  }
  const config = readConfig(
    args.filter((arg) => arg !== '--print-config'),
    process.env,
  );
  if (args.includes('--print-config')) {
    console.log(JSON.stringify({ ...config, store: shownAddress(config.store) }, null, 2));
    return;
  }
  const password = adminPassword();
  const server = await createServer(config);
  try {
    const admin = firstAccount(server, password);
    const origin = await listen(server, config);
    if (admin) await make(server, admin);
    // Once it listens: a start that failed, beside a server that runs, says nothing of where that one's sessions are.
    const moved = remember(config, server.context.users);
    if (moved !== null) console.warn(`sojourn store_changed: ${moved}`);
    // Before the line that whoever sends the signal may have waited for.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(server));
    console.log(`Sojourn is at ${origin}`);
  } catch (error) {
    await server.close();
    throw error;
  }
}

interface FirstAccount {
  readonly password: string;
  readonly generated: boolean;
}

/** What the variable gives; `null`: one is to be generated. Throws `ConfigError` for one that no account may have. */
function adminPassword(): string | null {
  const given = process.env['SOJOURN_ADMIN_PASSWORD'];
  if (!given) return null;
  try {
    checkPassword(given);
  } catch (error) {
    throw new ConfigError(`SOJOURN_ADMIN_PASSWORD: ${error instanceof Error ? error.message : String(error)}`);
  }
  return given;
}

/** What is to be made while there is no administrator: other accounts may have been made before the first start. */
function firstAccount({ context: { users } }: Server, given: string | null): FirstAccount | null {
  if (users.byName('admin') || users.all().some(({ permissions }) => permissions.includes('admin'))) return null;
  return { password: given ?? randomBytes(12).toString('base64url'), generated: given === null };
}

/** Once the server listens, so that no password is said of a start that failed. */
async function make({ context: { users } }: Server, { password, generated }: FirstAccount): Promise<void> {
  try {
    await users.add('admin', password, ['admin', 'demo:read']);
  } catch (error) {
    if (users.byName('admin') === null) throw error;
    console.log('Account admin was made by another server on this folder.');
    return;
  }
  console.log(generated ? `Account admin made. Its password, shown this once: ${password}` : 'Account admin made.');
}

/** Answers where people reach it. */
async function listen(server: Server, { host, port, origin }: Config): Promise<string> {
  try {
    await server.app.listen({ port, host });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`The server cannot listen: ${why}. Choose another --port or --host.`);
  }
  const address = server.app.server.address();
  const taken = typeof address === 'object' && address ? address.port : port;
  return origin ?? `http://localhost:${taken}`;
}

async function stop(server: Server): Promise<void> {
  await server.close();
  console.log('Sojourn has stopped.');
}
