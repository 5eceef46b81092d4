import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { memory } from '../../src/stores/memory.ts';
import { Lab, type LabOptions } from '../lab.ts';
import { Emptied } from './emptied.ts';
import { type Scenario, scenarios } from './scenarios.ts';
import { type Choose, Exhaustive, Scheduler, seededChoice } from './scheduler.ts';

/** Schedules of four requests, for each scenario. */
const schedules = 10_000;
/** Of a durable engine each step is a sync, so fewer. */
const schedulesOnSqlite = 500;

const emptied = new Emptied();
after(() => emptied.close());

const engines = {
  memory: (now) => memory({ now }),
  sqlite: emptied.open,
} satisfies Record<string, LabOptions['engine']>;
type Engine = keyof typeof engines;

async function play(scenario: Scenario, count: number, name: Engine, choose: Choose, seed: string): Promise<void> {
  const scheduler = new Scheduler();
  const lab = new Lab({
    engine: engines[name],
    ...scenario.options,
    around: (store) => scheduler.around(scenario.around?.(store) ?? store),
  });
  try {
    const { requests, check } = await scenario.begin(lab, scheduler, count);
    await scheduler.run(requests, choose);
    await check();
    await invariants(lab);
  } catch (error) {
    const message = `${scenario.name}, ${count} requests on ${name}, ${seed}: ${scheduler.trace.join(' ')}`;
    throw new Error(message, { cause: error });
  } finally {
    await lab.sessions.close();
  }
}

/** What holds after any schedule of anything. */
async function invariants(lab: Lab): Promise<void> {
  const { records } = await lab.store.page(null, 1000);
  const events = await lab.events();
  for (const record of records) {
    const terminal = events.filter(
      ({ sessionId, type }) => sessionId === record.id && (type === 'expired' || type === 'terminated'),
    );
    assert.equal(terminal.length, record.ending ? 1 : 0, `G11: terminal events of ${record.id}`);
    assert.equal(terminal[0]?.reason, record.ending?.reason);
    if (record.ending) assert.equal(record.data, '{}', 'an ended session keeps no data');
  }
}

for (const scenario of scenarios) {
  for (const engine of ['memory', 'sqlite'] as const) {
    test(`${scenario.name}: every order of two requests [${engine}]`, async (t) => {
      const orders = new Exhaustive();
      let tried = 0;
      do {
        tried += 1;
        await play(scenario, 2, engine, orders.choose, `order ${tried}`);
      } while (orders.next());
      t.diagnostic(`${tried} orders`);
      assert.ok(tried > 2);
    });
  }

  test(`${scenario.name}: ${schedules} schedules of four requests [memory]`, async () => {
    for (let seed = 1; seed <= schedules; seed++) {
      await play(scenario, 4, 'memory', seededChoice(seed), `seed ${seed}`);
    }
  });

  test(`${scenario.name}: ${schedulesOnSqlite} schedules of four requests [sqlite]`, async () => {
    for (let seed = 1; seed <= schedulesOnSqlite; seed++) {
      await play(scenario, 4, 'sqlite', seededChoice(seed), `seed ${seed}`);
    }
  });
}
