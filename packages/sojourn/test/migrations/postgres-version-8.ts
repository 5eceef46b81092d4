/**
 * What a release of version 8 sends where this one sends something else, as it was then: never changed again.
 * Functions that it calls as this one does are not here.
 */
export function version8(schema: string): Readonly<Record<string, string>> {
  return {
    commit: `SELECT ${schema}.commit($2::jsonb, $1::bigint) AS committed`,
    commitEach: `SELECT json_agg(${schema}.commit(given.stage, $1::bigint) ORDER BY given.number) AS committed
      FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS given(stage, number)`,
  };
}
