import { invalid } from './errors.ts';

/** The id of a user, as it came from the caller. Code without types passes numbers, which would match nothing. */
export function checkSubject(subject: string): string {
  if (typeof subject === 'string' && subject !== '') return subject;
  throw invalid('subject: give the id of a user, a text that is not empty.');
}
