import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

const help = `Usage: sojourn <command>

Commands:
  serve     run the server; also without a command
  users     make, list, disable and enable accounts, set passwords
  policy    print the limits that sessions have, as text
  migrate   move live sessions to another engine

sojourn <command> --help says more. sojourn --version prints the version.`;

/** Runs a command to its end. What cannot be is said in a sentence, and the exit code is 1. */
export async function run(args: readonly string[]): Promise<void> {
  keepCompiled();
  const { ConfigError } = await import('../config.ts');
  const { UserError } = await import('../users/users.ts');
  try {
    await command(args);
  } catch (error) {
    console.error(error instanceof ConfigError || error instanceof UserError ? error.message : error);
    process.exitCode = 1;
  }
}

/** What one start has compiled the next need not: kept beside the built code, which none but its owner can write. */
function keepCompiled(): void {
  if (import.meta.filename.endsWith('.js')) enableCompileCache(join(import.meta.dirname, '../.compiled'));
}

/** Each command is loaded when it is asked for: the server is most of what there is to load. */
async function command([name = 'serve', ...rest]: readonly string[]): Promise<void> {
  switch (name) {
    case '--help':
    case 'help':
      return console.log(help);
    case '--version':
      return console.log((await import('../version.ts')).version);
    case 'users':
      return (await import('./users.ts')).users(rest);
    case 'policy':
      return (await import('./policy.ts')).showPolicy(rest);
    case 'migrate':
      return (await import('./migrate.ts')).migrate(rest);
    case 'serve':
      return (await import('./serve.ts')).serve(rest);
    default:
      if (name.startsWith('--')) return (await import('./serve.ts')).serve([name, ...rest]);
      throw new (await import('../config.ts')).ConfigError(
        `${name} is not a command. Known: serve, users, policy, migrate.`,
      );
  }
}
