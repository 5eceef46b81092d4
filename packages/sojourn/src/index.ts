export { type CacheCounts, lagBounds, type ProofCounts } from './cache/counts.ts';
export type { EventsOptions } from './follow.ts';
export type { SignInOptions } from './lifecycle/create.ts';
export type { Duration } from './lifecycle/duration.ts';
export { type Code, codes, type EndingReason, SojournError } from './lifecycle/errors.ts';
export type { EventType, SessionEvent } from './lifecycle/events.ts';
export type { ImpersonateOptions } from './lifecycle/impersonate.ts';
export type { Requirement } from './lifecycle/permissions.ts';
export {
  checkPolicy,
  type Handover,
  type KindOptions,
  type Policy,
  type PolicyName,
  type PolicyOptions,
  policyNames,
} from './lifecycle/policy.ts';
export { policyText } from './lifecycle/policy-text.ts';
export type * from './lifecycle/ports.ts';
export type { Actor, Device, Ending, Factor, NewSession, Pending, SessionRecord } from './lifecycle/session.ts';
export type { StepUpOptions } from './lifecycle/step-up.ts';
export type { TerminateAllOptions, TerminateOptions } from './lifecycle/terminate.ts';
export { Token } from './lifecycle/token.ts';
export type { Devices, EndedSession, SessionSummary } from './list.ts';
export type {
  AnonymousSession,
  Carrier,
  DeepReadonly,
  NoSession,
  Refusal,
  Session,
  SignedInSession,
} from './session.ts';
export { createSessions, type Sessions } from './sessions.ts';
export type { CacheOptions, LogEntry, SessionsOptions } from './settings.ts';
