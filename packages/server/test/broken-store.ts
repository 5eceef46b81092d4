import { DatabaseSync } from 'node:sqlite';

/** From now on sessions in this file are found, and what is to end a user's sessions fails. Answers what mends it. */
export function breakStore(path: string): () => void {
  run(path, `CREATE TRIGGER broken BEFORE INSERT ON subjects BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
  return () => run(path, 'DROP TRIGGER broken');
}

function run(path: string, sql: string): void {
  const db = new DatabaseSync(path, { timeout: 2000 });
  db.exec(sql);
  db.close();
}
