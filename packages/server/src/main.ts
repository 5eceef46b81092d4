#!/usr/bin/env node
import { showPolicy } from './commands/policy.ts';
import { serve } from './commands/serve.ts';
import { users } from './commands/users.ts';
import { ConfigError } from './config.ts';
import { UserError } from './users/users.ts';

const help = `Usage: sojourn <command>

Commands:
  serve     run the server; also without a command
  users     make, list, disable and enable accounts, set passwords
  policy    print the limits that sessions have, as text

sojourn <command> --help says more.`;

async function run([command = 'serve', ...rest]: readonly string[]): Promise<void> {
  if (command === '--help' || command === 'help') console.log(help);
  else if (command === 'users') await users(rest);
  else if (command === 'policy') showPolicy(rest);
  else if (command === 'serve') await serve(rest);
  else if (command.startsWith('--')) await serve([command, ...rest]);
  else throw new ConfigError(`${command} is not a command. Known: serve, users, policy.`);
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof ConfigError || error instanceof UserError ? error.message : error);
  process.exitCode = 1;
}
