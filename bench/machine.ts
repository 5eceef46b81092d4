import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

/** On what, with what and when something was measured. */
export interface Setting {
  readonly date: string;
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly memory: string;
    readonly kernel: string;
    /** The load average of the minute before: over 0.5 means that something else was running. */
    readonly loadBefore: number;
  };
  readonly versions: Readonly<Record<string, string>>;
}

export function setting(): Setting {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    machine: {
      processor: processors[0]?.model.trim() ?? 'unknown',
      cores: processors.length,
      memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
      kernel: `${type()} ${release()}`,
      loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
    },
    versions: {
      node: process.versions.node,
      sqlite: process.versions['sqlite'] ?? '',
      ...packages(),
      'size-limit': read(new URL('../node_modules/size-limit/package.json', import.meta.url)).version ?? '',
    },
  };
}

function packages(): Record<string, string> {
  const { dependencies } = read(new URL('./package.json', import.meta.url));
  const installed = Object.keys(dependencies ?? {}).map((name) => {
    const { version = '' } = read(new URL(`./node_modules/${name}/package.json`, import.meta.url));
    return [name, name === 'sojourn' ? `${version} ${commit()}`.trim() : version];
  });
  return Object.fromEntries(installed);
}

function read(file: URL): { version?: string; dependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** The commit of the library, marked when its files differ from it; nothing outside a checkout. */
function commit(): string {
  const git = (...given: string[]): string =>
    execFileSync('git', given, { cwd: import.meta.dirname, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', '../packages/sojourn/src') !== '';
    return `(${git('rev-parse', '--short', 'HEAD').trim()}${changed ? ', changed' : ''})`;
  } catch {
    return '';
  }
}
