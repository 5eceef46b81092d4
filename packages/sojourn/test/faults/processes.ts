import { bound, type Faults, type Plan } from './run.ts';

export interface Staged {
  readonly plan: Plan;
  stop(): Promise<void>;
}

/** What may happen to processes, whatever the engine. */
export const processes: Faults = {
  'kill -9 of a node': async ({ nodes, wait }) => {
    await nodes[0]?.kill();
    await wait(300);
    await nodes[0]?.start();
  },
  'a node is stopped and goes on': async ({ nodes, wait }) => {
    nodes[1]?.signal('SIGSTOP');
    await wait(bound + 1000);
    nodes[1]?.signal('SIGCONT');
  },
  'the consumer of the events crashes and resumes': async ({ consumer, wait }) => {
    await consumer.kill();
    await wait(300);
    await consumer.start();
  },
};
