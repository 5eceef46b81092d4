import { after, test } from 'node:test';
import { engines, Lab, type LabOptions } from './lab.ts';
import { networkedEngines } from './stores/engines.ts';

after(async () => {
  for (const { stop } of Object.values(networkedEngines)) await stop();
});

/** A guarantee, proved on every engine by a test of its name. */
export function guarantee(title: string, run: (lab: (options?: LabOptions) => Lab) => Promise<void>): void {
  const served = Object.entries(networkedEngines).map(([name, { skip, open }]) => ({ name, skip, engine: open }));
  const embedded = Object.entries(engines).map(([name, engine]) => ({ name, skip: false, engine }));
  for (const { name, skip, engine } of [...embedded, ...served]) {
    test(`${title} [${name}]`, { skip }, async () => {
      const labs: Lab[] = [];
      try {
        await run((options = {}) => {
          const lab = new Lab({ engine, ...options });
          labs.push(lab);
          return lab;
        });
      } finally {
        // The last first: it may stand on the store of one before it.
        for (const lab of labs.reverse()) await lab.sessions.close();
      }
    });
  }
}
