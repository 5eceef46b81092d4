import type { SubjectRecord } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { partitionOf } from '../../lifecycle/token.ts';
import { partitionOfSubject } from '../partition.ts';

/** What is adopted in one step: one subject with its sessions, or the visitors of one partition. */
export interface Family {
  readonly partition: number;
  readonly subject: string | null;
  readonly records: SessionRecord[];
  readonly subjects: SubjectRecord[];
}

export function familiesOf(records: readonly SessionRecord[], subjects: readonly SubjectRecord[]): readonly Family[] {
  const families = new Map<string | number, Family>();
  const familyOf = (subject: string | null, partition: number): Family => {
    const known = families.get(subject ?? partition) ?? { partition, subject, records: [], subjects: [] };
    families.set(subject ?? partition, known);
    return known;
  };
  for (const record of records) familyOf(record.subject, partitionOf(record.id)).records.push(record);
  for (const record of subjects) familyOf(record.subject, partitionOfSubject(record.subject)).subjects.push(record);
  return [...families.values()];
}
