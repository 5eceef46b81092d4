import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/*
 * Code in the documents is not written there: a block under `<!-- from: path -->` is that file, which
 * the tests run, and one under `<!-- output: arguments -->` is what the command `sojourn` prints. Between
 * `<!-- measured by: path -->` and `<!-- end -->` stands what that program prints.
 * `npm run docs` fills them in; a test fails when they differ.
 */
const root = join(import.meta.dirname, '..');

/** Every document, by its path from the root. */
export function documents(): string[] {
  return [
    ...globSync('*.md', { cwd: root }),
    ...globSync('{docs,decisions,bench,packages/*}/*.md', { cwd: root }),
  ].sort();
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The document with its blocks as they ought to be. */
export function filled(text: string): string {
  return text
    .replace(
      /(<!-- measured by: (\S+) -->\n)[\s\S]*?(<!-- end -->)/g,
      (_all, head: string, program: string, end: string) => head + printed([program]) + end,
    )
    .replace(
      /(<!-- (from|output): ([^\n]+?) -->\n```\w*\n)[\s\S]*?(```)/g,
      (_all, head: string, kind: string, what: string, end: string) =>
        head + (kind === 'from' ? read(what) : printed(['packages/server/src/main.ts', ...what.split(' ')])) + end,
    );
}

/** What a program of the repository prints. */
function printed([program = '', ...given]: readonly string[]): string {
  const command = ['--conditions=sojourn-source', join(root, program), ...given];
  return execFileSync(process.execPath, command, { encoding: 'utf8' });
}

/** Blocks of code that no file or command vouches for. */
export function unvouched(text: string): string[] {
  const vouched = text.replace(/<!-- (from|output|shown by): [^\n]+? -->\n```\w*\n[\s\S]*?```/g, '');
  return [...vouched.matchAll(/```(\w+)\n([\s\S]*?)```/g)]
    .filter(([, language]) => language !== 'text')
    .map(([, , body = '']) => body);
}

if (import.meta.main) {
  for (const path of documents()) {
    const text = read(path);
    const whole = filled(text);
    if (whole !== text) {
      writeFileSync(join(root, path), whole);
      console.log(`filled ${relative('.', join(root, path))}`);
    }
  }
}
