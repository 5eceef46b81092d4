import { DatabaseSync } from 'node:sqlite';

/**
 * From now on what writes so in this file fails. By default that is what ends a user's sessions, while sessions are
 * found. Answers what mends it.
 */
export function breakStore(path: string, write = 'INSERT ON subjects'): () => void {
  run(path, `CREATE TRIGGER broken BEFORE ${write} BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
  return () => run(path, 'DROP TRIGGER broken');
}

function run(path: string, sql: string): void {
  const db = new DatabaseSync(path, { timeout: 2000 });
  db.exec(sql);
  db.close();
}
