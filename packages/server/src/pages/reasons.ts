import type { EndingReason } from 'sojourn';

const reasons: Readonly<Record<EndingReason, string>> = {
  session_expired_idle: 'it was not used for a while',
  session_expired_absolute: 'it reached its time limit',
  signed_out: 'you signed out',
  revoked: 'you signed it out from another device',
  replaced: 'a new session took its place',
  limit_reached: 'you signed in on more devices than allowed',
  password_changed: 'your password changed',
  permissions_changed: 'your permissions changed',
  subject_changed: 'the account changed',
  account_disabled: 'the account was disabled',
  administrator: 'an administrator ended it',
  rotation_lost: 'it could not be continued safely',
  reuse_detected: 'an old copy of it was used',
  purged: 'the account’s data was erased',
};

/** Why a session ended, as its person is told; it goes on after "because". A reason that only a later release knows is named. */
export function why(reason: EndingReason): string {
  return Object.hasOwn(reasons, reason) ? reasons[reason] : reason;
}
