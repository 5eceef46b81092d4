import type { Adopted, Store } from '../../lifecycle/ports.ts';
import * as operations from '../operations.ts';
import type { Decisions } from './decisions.ts';
import { familiesOf } from './families.ts';

/**
 * Adopts family by family. Those of one partition are committed together: there they would only wait
 * for one another.
 */
export function adoptBy(decideEach: Decisions['decideEach']): Store['adopt'] {
  return async (records, subjects, options) => {
    const partitions = Map.groupBy(familiesOf(records, subjects), ({ partition }) => partition);
    const adopted = await Promise.all(
      [...partitions.values()].map((families) =>
        decideEach<Adopted[]>(
          families.map((family) => ({
            wanted: { ids: family.records.map(({ id }) => id), subject: family.subject ?? undefined },
            operation: (rows, now) => operations.adopt(rows, now, family.records, family.subjects, options),
          })),
          options,
        ),
      ),
    );
    return adopted.flat(2);
  };
}
