import { test } from 'node:test';
import { subjectBehaviour } from './adopted-subjects.ts';
import { adoptionBehaviour } from './adoption.ts';
import { endingBehaviour } from './endings.ts';
import { eventBehaviour } from './events.ts';
import { lateBehaviour } from './late.ts';
import { manyBehaviour } from './many.ts';
import { plainBehaviour } from './plain.ts';
import { sharedBehaviour } from './processes.ts';
import { raceBehaviour } from './races.ts';
import type { Open } from './subject.ts';

export type { Open, Opened } from './subject.ts';

/**
 * The behaviour every store must have, as `node:test` tests: call it in a test file of your store.
 * `open` gives an empty store whose engine's time is what it is told, and where the engine can, another
 * process's view and what is left after a restart. `skip`: why there is no such engine here. Titles
 * begin with the guarantee they prove.
 */
export function storeContract(name: string, open: Open, { skip = false }: { skip?: string | false } = {}): void {
  if (skip) {
    test(`the contract of a store [${name}]`, { skip }, () => {});
    return;
  }
  plainBehaviour(name, open);
  endingBehaviour(name, open);
  eventBehaviour(name, open);
  raceBehaviour(name, open);
  lateBehaviour(name, open);
  manyBehaviour(name, open);
  adoptionBehaviour(name, open);
  subjectBehaviour(name, open);
  sharedBehaviour(name, open);
}
