#!/usr/bin/env node
import { randomBytes } from 'node:crypto';
import { ConfigError, helpText, readConfig } from './config.ts';
import { createServer, type Server } from './server.ts';

async function serve(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(helpText());
    return;
  }
  const print = args.includes('--print-config');
  const config = readConfig(
    args.filter((arg) => arg !== '--print-config'),
    process.env,
  );
  if (print) {
    console.log(JSON.stringify(config, null, 2));
    return;
  }
  const server = await createServer(config);
  await firstRun(server);
  await server.app.listen({ port: config.port, host: config.host });
  const address = server.app.server.address();
  const port = typeof address === 'object' && address ? address.port : config.port;
  console.log(`Sojourn is at ${config.origin ?? `http://localhost:${port}`}`);
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

async function stop(server: Server): Promise<void> {
  await server.close();
  console.log('Sojourn has stopped.');
}

const [command = 'serve', ...rest] = process.argv.slice(2);
try {
  if (command === 'serve') await serve(rest);
  else if (command.startsWith('--')) await serve([command, ...rest]);
  else throw new ConfigError(`${command} is not a command. Known: serve.`);
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exitCode = 1;
}
