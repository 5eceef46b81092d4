-- A file of the first schema, as it was written then: never changed again.
CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  record TEXT NOT NULL,
  format INTEGER NOT NULL,
  data TEXT NOT NULL,
  version INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  subject TEXT,
  state TEXT NOT NULL,
  kind TEXT NOT NULL,
  due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_subject ON sessions (subject) WHERE subject IS NOT NULL;
CREATE INDEX sessions_by_due ON sessions (due_at);
CREATE TABLE subjects (
  subject TEXT PRIMARY KEY,
  changed_at INTEGER NOT NULL,
  disabled INTEGER NOT NULL,
  kept TEXT
) STRICT;
CREATE TABLE partitions (
  partition INTEGER PRIMARY KEY,
  counter INTEGER NOT NULL DEFAULT 0,
  forgotten INTEGER NOT NULL DEFAULT 0,
  anonymous INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE events (
  position INTEGER PRIMARY KEY,
  partition INTEGER NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  subject TEXT,
  terminal INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_number ON events (partition, number);
CREATE INDEX events_by_subject ON events (subject) WHERE subject IS NOT NULL;
CREATE TABLE engine (epoch TEXT NOT NULL) STRICT;
INSERT INTO sessions (id, record, format, data, version, last_seen_at, subject, state, kind, due_at) VALUES
  ('75wdDRf-UulevCv3kqP5FNQ', '{"idleTimeout":1800000,"generation":1,"retired":[],"formKey":"pnlfym_ULaJt_15Dm99tJQ","subject":null,"permissions":[],"factors":[],"kind":"anonymous","secretHash":"NeWgij5hTogkmkJXRhDYrn2FZ9ylbRSOQ-CcDg3fMpU","operation":"uxBidwtqHB5s","createdAt":1767225600000,"signedInAt":null,"expiresAt":1767232800000,"rotatedAt":1767225600000}', 1, '{"cart":["tea"]}', 1, 1767225600000, NULL, 'anonymous', 'anonymous', 1767227400000),
  ('uztOXvSpREmY5BQ1z2stxSA', '{"idleTimeout":1800000,"generation":1,"retired":[],"formKey":"p1hpQWfusT3Z-nYIkyr5gg","subject":"u1","kind":"standard","permissions":["read","write"],"factors":[{"method":"password","at":1767225600000}],"secretHash":"gGwXCVS7OpLfv-yMPt6E2ifs_GPJMlKlfWDdnwvEbDw","operation":"mR2T5qRYmUwZ","createdAt":1767225600000,"signedInAt":1767225600000,"expiresAt":1767268800000,"rotatedAt":1767225600000}', 1, '{"cart":["book"],"n":7}', 2, 1767225600000, 'u1', 'signed-in', 'standard', 1767227400000),
  ('ut_D4MGHDmW5C47Dgw7phUA', '{"idleTimeout":1800000,"generation":1,"retired":[],"formKey":"CfFV7fb84m5JPMCIZdQSYw","subject":"u1","kind":"standard","permissions":[],"factors":[{"method":"password","at":1767225600000}],"secretHash":"kc8inbczPvakGGADOnW9Q9SbZgK0dGoHRtfUy3rC4dk","operation":"eEtoB-K8SFaH","createdAt":1767225600000,"signedInAt":1767225600000,"expiresAt":1767268800000,"rotatedAt":1767225600000,"ending":{"reason":"signed_out","at":1767225660000,"by":"u1"}}', 1, '{}', 2, 1767225600000, 'u1', 'ended', 'standard', 1767312060000),
  ('bDzrXH2t3ehnKyNPgEVFIuA', '{"idleTimeout":1800000,"generation":1,"retired":[],"formKey":"dHJknitCy6N_76jD6tyT9g","subject":"u2","kind":"standard","permissions":[],"factors":[{"method":"password","at":1767225660000}],"secretHash":"oAbU6XvERGg_W11aSoEg29u5-SuA_6JfOo43jahWxyY","operation":"WWvhXt4tfSli","createdAt":1767225660000,"signedInAt":1767225660000,"expiresAt":1767268860000,"rotatedAt":1767225660000,"grants":["admin"]}', 1, '{}', 2, 1767225660000, 'u2', 'signed-in', 'standard', 1767227460000),
  ('AOGiTzQlQu0N8ra_T2W5Q4w', '{"idleTimeout":1800000,"generation":1,"retired":[],"formKey":"F0BU0Tb0_0Xch0QCT-E0ZA","subject":"u3","kind":"standard","permissions":[],"factors":[{"method":"password","at":1767225660000}],"secretHash":"uta23UfsXE0TiysflTRMRZxAl3kNO0VvAyUKgUDfe0c","operation":"z6Mk09QWDFlK","createdAt":1767225660000,"signedInAt":1767225660000,"expiresAt":1767268860000,"rotatedAt":1767225660000,"ending":{"reason":"account_disabled","at":1767225660000,"by":"system"}}', 1, '{}', 2, 1767225660000, 'u3', 'ended', 'standard', 1767312060000);
INSERT INTO subjects (subject, changed_at, disabled, kept) VALUES
  ('u2', 1767225660000, 0, NULL),
  ('u3', 1767225660000, 1, NULL);
INSERT INTO partitions (partition, counter, forgotten, anonymous) VALUES
  (0, 2, 0, 0), (1, 0, 0, 0), (2, 0, 0, 0), (3, 0, 0, 0), (4, 0, 0, 0), (5, 0, 0, 0), (6, 0, 0, 0), (7, 0, 0, 0),
  (8, 0, 0, 0), (9, 0, 0, 0), (10, 0, 0, 0), (11, 0, 0, 0), (12, 0, 0, 0), (13, 0, 0, 0), (14, 0, 0, 0), (15, 0, 0, 0),
  (16, 0, 0, 0), (17, 0, 0, 0), (18, 0, 0, 0), (19, 0, 0, 0), (20, 0, 0, 0), (21, 0, 0, 0), (22, 0, 0, 0), (23, 0, 0, 0),
  (24, 0, 0, 0), (25, 0, 0, 0), (26, 0, 0, 0), (27, 2, 0, 0), (28, 0, 0, 0), (29, 0, 0, 0), (30, 0, 0, 0), (31, 0, 0, 0),
  (32, 0, 0, 0), (33, 0, 0, 0), (34, 0, 0, 0), (35, 0, 0, 0), (36, 0, 0, 0), (37, 0, 0, 0), (38, 0, 0, 0), (39, 0, 0, 0),
  (40, 0, 0, 0), (41, 0, 0, 0), (42, 0, 0, 0), (43, 0, 0, 0), (44, 0, 0, 0), (45, 0, 0, 0), (46, 4, 0, 0), (47, 0, 0, 0),
  (48, 0, 0, 0), (49, 0, 0, 0), (50, 0, 0, 0), (51, 0, 0, 0), (52, 0, 0, 0), (53, 0, 0, 0), (54, 0, 0, 0), (55, 0, 0, 0),
  (56, 0, 0, 0), (57, 0, 0, 0), (58, 0, 0, 0), (59, 1, 0, 1), (60, 0, 0, 0), (61, 0, 0, 0), (62, 0, 0, 0), (63, 0, 0, 0);
INSERT INTO events (position, partition, number, at, subject, terminal, body) VALUES
  (1, 59, 1, 1767225600000, NULL, 0, '{"type":"created","at":1767225600000,"sessionId":"75wdDRf-UulevCv3kqP5FNQ","subject":null,"kind":"anonymous"}'),
  (2, 46, 1, 1767225600000, 'u1', 0, '{"type":"signed_in","at":1767225600000,"sessionId":"uztOXvSpREmY5BQ1z2stxSA","subject":"u1","kind":"standard"}'),
  (3, 46, 3, 1767225600000, 'u1', 0, '{"type":"signed_in","at":1767225600000,"sessionId":"ut_D4MGHDmW5C47Dgw7phUA","subject":"u1","kind":"standard"}'),
  (4, 46, 4, 1767225660000, 'u1', 1, '{"type":"terminated","at":1767225660000,"sessionId":"ut_D4MGHDmW5C47Dgw7phUA","subject":"u1","kind":"standard","reason":"signed_out","by":"u1","createdAt":1767225600000,"lastSeenAt":1767225600000}'),
  (5, 27, 1, 1767225660000, 'u2', 0, '{"type":"signed_in","at":1767225660000,"sessionId":"bDzrXH2t3ehnKyNPgEVFIuA","subject":"u2","kind":"standard"}'),
  (6, 27, 2, 1767225660000, 'u2', 0, '{"type":"permissions_changed","at":1767225660000,"sessionId":"bDzrXH2t3ehnKyNPgEVFIuA","subject":"u2","kind":"standard","permissions":["admin"]}'),
  (7, 0, 1, 1767225660000, 'u3', 0, '{"type":"signed_in","at":1767225660000,"sessionId":"AOGiTzQlQu0N8ra_T2W5Q4w","subject":"u3","kind":"standard"}'),
  (8, 0, 2, 1767225660000, 'u3', 1, '{"type":"terminated","at":1767225660000,"sessionId":"AOGiTzQlQu0N8ra_T2W5Q4w","subject":"u3","kind":"standard","reason":"account_disabled","by":"system","createdAt":1767225660000,"lastSeenAt":1767225660000}');
INSERT INTO engine (epoch) VALUES
  ('vs5Kc_Vh');
PRAGMA user_version = 1;
