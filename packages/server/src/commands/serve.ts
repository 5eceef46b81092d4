import { randomBytes } from 'node:crypto';
import { type Config, ConfigError, helpText, readConfig } from '../config.ts';
import { createServer, type Server } from '../server.ts';

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
    console.log(JSON.stringify(config, null, 2));
    return;
  }
  const server = await createServer(config);
  try {
    await firstRun(server);
    await listen(server, config);
  } catch (error) {
    await server.close();
    throw error;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(server));
}

/** Makes the account `admin` where there is none, and says its password once. */
async function firstRun({ context: { users } }: Server): Promise<void> {
  if (users.all().length > 0) return;
  const given = process.env['SOJOURN_ADMIN_PASSWORD'];
  const password = given || randomBytes(12).toString('base64url');
  await users.add('admin', password, ['admin', 'demo:read']);
  console.log(given ? 'Account admin made.' : `Account admin made. Its password, shown this once: ${password}`);
}

async function listen(server: Server, { host, port, origin }: Config): Promise<void> {
  try {
    await server.app.listen({ port, host });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`The server cannot listen: ${why}. Choose another --port or --host.`);
  }
  const address = server.app.server.address();
  const taken = typeof address === 'object' && address ? address.port : port;
  console.log(`Sojourn is at ${origin ?? `http://localhost:${taken}`}`);
}

async function stop(server: Server): Promise<void> {
  await server.close();
  console.log('Sojourn has stopped.');
}
