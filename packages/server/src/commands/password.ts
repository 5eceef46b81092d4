import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { ConfigError } from '../config.ts';

/*
 * A password comes on standard input, asked for without an echo where a person sits there. Never as an
 * argument: those are in the list of processes and in the shell's history.
 */

/** The first line of standard input. Throws `ConfigError` when there is none. */
export async function readPassword(): Promise<string> {
  const { stdin, stderr } = process;
  if (stdin.isTTY) stderr.write('Password: ');
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: silence, terminal: stdin.isTTY });
  try {
    for await (const line of lines) return line;
  } finally {
    lines.close();
    if (stdin.isTTY) stderr.write('\n');
  }
  throw new ConfigError('Give the password on standard input, as in: sojourn users add ada < password-file');
}
