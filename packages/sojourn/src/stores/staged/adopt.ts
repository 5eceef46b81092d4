import type { Asked, Store, SubjectRecord } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { partitionOf } from '../../lifecycle/token.ts';
import * as operations from '../operations.ts';
import type { Wanted } from './engine.ts';
import type { StagedRows } from './rows.ts';

/** What can be decided by itself: one subject with its sessions, or the visitors of one partition. */
interface Family {
  readonly subject: string | null;
  readonly records: SessionRecord[];
  readonly subjects: SubjectRecord[];
}

/** Adopts family by family, so that each is one step. */
export function adoptBy(
  decide: <T>(wanted: Wanted, operation: (rows: StagedRows, now: number) => T, asked: Asked) => Promise<T>,
): Store['adopt'] {
  return async (records, subjects, options) => {
    const adopted = await Promise.all(
      familiesOf(records, subjects).map((family) =>
        decide(
          { ids: family.records.map(({ id }) => id), subject: family.subject ?? undefined },
          (rows, now) => operations.adopt(rows, now, family.records, family.subjects, options),
          options,
        ),
      ),
    );
    return adopted.flat();
  };
}

function familiesOf(records: readonly SessionRecord[], subjects: readonly SubjectRecord[]): readonly Family[] {
  const families = new Map<string | number, Family>();
  const familyOf = (key: string | number, subject: string | null): Family => {
    const known = families.get(key) ?? { subject, records: [], subjects: [] };
    families.set(key, known);
    return known;
  };
  for (const record of records) familyOf(record.subject ?? partitionOf(record.id), record.subject).records.push(record);
  for (const record of subjects) familyOf(record.subject, record.subject).subjects.push(record);
  return [...families.values()];
}
