#!/usr/bin/env node

/** What `engines` in package.json says. Nothing that needs it is imported before this has been compared. */
const needed = 24;

if (Number.parseInt(process.versions.node, 10) < needed) {
  console.error(
    `Sojourn needs Node ${needed} or newer, and this is ${process.versions.node}: install a newer one, or in the repository use npm run --silent sojourn.`,
  );
  process.exitCode = 1;
} else {
  const { run } = await import('./commands/run.ts');
  await run(process.argv.slice(2));
}
