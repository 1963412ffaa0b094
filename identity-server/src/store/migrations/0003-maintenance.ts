import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'

/**
 * A role for what is done on behalf of nobody: deleting what has expired, rotating on schedule, recording events. It may
 * do only what a table's migration grants it. And one trigger function for all tables to come.
 */
export async function up(db: Kysely<Tables>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `do $$ begin
    create role postern_maintenance nologin;
  exception when duplicate_object or unique_violation then null;
  end $$`,
  `do $$ begin
    if not pg_has_role(current_user, 'postern_maintenance', 'member') then
      execute format('grant postern_maintenance to %I', current_user);
    end if;
  end $$`,
  // Its arguments name the columns of the auth server and, where there is one, of the client.
  `create function notify_change() returns trigger language plpgsql as $$
    declare changed jsonb;
    begin
      if tg_op = 'DELETE' then changed := to_jsonb(old); else changed := to_jsonb(new); end if;
      perform pg_notify('postern_changes', json_build_object(
        'table', tg_table_name,
        'auth_server', changed ->> tg_argv[0],
        'client', case when tg_nargs > 1 then changed ->> tg_argv[1] end)::text);
      return null;
    end $$`,
]
