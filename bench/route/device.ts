import type { Device } from 'sojourn';
import { userAgent } from './people.ts';

/** What a sign-in from the browser of `people.ts` leaves in a record. */
export const device: Device = { label: 'Chrome on Linux', userAgent, address: '203.0.113.0', addedAt: Date.now() };
