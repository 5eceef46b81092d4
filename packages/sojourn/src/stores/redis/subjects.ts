import type { SubjectRecord, SubjectsPage } from '../../lifecycle/ports.ts';
import { characterOf, partitionOf } from '../../lifecycle/token.ts';
import { partitionOfSubject } from '../partition.ts';
import { listOf, type Send, textOf } from './client.ts';
import { everyPartition } from './events.ts';
import type { Keys } from './keys.ts';
import { decodeSubject } from './values.ts';

/** Subjects by partition, then by name. What Redis has forgotten meanwhile is passed over. */
export async function subjectsPage(send: Send, keys: Keys, after: string | null, most: number): Promise<SubjectsPage> {
  const first = after === null ? '' : characterOf(partitionOfSubject(after));
  const order = everyPartition.map(characterOf).sort();
  const names: string[] = [];
  for (const character of order.filter((one) => one >= first)) {
    const known = listOf(await send('ZRANGE', keys.subjects(partitionOf(character)), '0', '-1'));
    const some = known.flatMap((name) =>
      name === null || (character === first && name <= (after ?? '')) ? [] : [name],
    );
    names.push(...some.sort().slice(0, most - names.length));
    if (names.length >= most) break;
  }
  const texts = await Promise.all(names.map((name) => send('GET', keys.subject(name))));
  const subjects = texts.flatMap((text, index): SubjectRecord[] => {
    const { record } = decodeSubject(names[index] ?? '', textOf(text));
    return record ? [record] : [];
  });
  return { subjects, after: names.length < most ? null : (names.at(-1) ?? null) };
}
