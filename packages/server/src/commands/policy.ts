import { parseArgs } from 'node:util';
import { checkPolicy, policyText } from 'sojourn';
import { readConfig, usageError } from '../config.ts';
import { policyOf } from '../stores.ts';

const help = `Usage: sojourn policy [options]

Prints the limits that this server's sessions have, as the document that ASVS 7.1 asks for.

Options:
  --policy <policy>   whose limits; default those of SOJOURN_POLICY
  --no-demo           without the 20-second kind of the lifecycle page
  --json              the numbers, in milliseconds
  --help              this text`;

/** `sojourn policy`: what the server would be run with. */
export function showPolicy(args: readonly string[]): void {
  const { policy, demo, json, help: asked } = read(args);
  if (asked) {
    console.log(help);
    return;
  }
  const given = [...(policy === undefined ? [] : ['--policy', policy]), ...(demo === false ? ['--no-demo'] : [])];
  const checked = checkPolicy(policyOf(readConfig(given, process.env)));
  // JSON has no word for a span that never ends.
  const spell = (_key: string, value: unknown): unknown => (value === Number.POSITIVE_INFINITY ? 'never' : value);
  console.log(json ? JSON.stringify(checked, spell, 2) : policyText(checked).trimEnd());
}

function read(args: readonly string[]): { policy?: string; demo?: boolean; json?: boolean; help?: boolean } {
  try {
    return parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        policy: { type: 'string' },
        demo: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw usageError('policy', error);
  }
}
