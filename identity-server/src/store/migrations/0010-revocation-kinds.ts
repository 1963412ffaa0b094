import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'
import { authServerColumn, secured, sweepable } from './statements.ts'

/**
 * Revocations of all kinds in one table, numbered by a counter of their auth server: its row is locked until the commit,
 * so numbers ascend in the order of commit, and its stream id tells this sequence of numbers from any other.
 */
export async function up(db: Kysely<Tables>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  // Row-level security would hide the rows from their owner.
  `alter table revocations no force row level security`,
  `create temporary table earlier_revocations on commit drop as select * from revocations`,
  `drop table revocations`,
  `drop function notify_revocations()`,
  `create table revocation_streams (
    auth_server_id text primary key references auth_servers (id) on delete cascade,
    stream_id text not null default gen_random_uuid()::text,
    last_sequence bigint not null)`,
  `create table revocations (
    ${authServerColumn},
    kind text not null check (kind in ('token', 'grant', 'client', 'subject', 'key')),
    value text not null check (value <> ''),
    not_before timestamptz check ((kind in ('client', 'subject')) = (not_before is not null)),
    sequence bigint not null,
    expires_at timestamptz not null,
    revoked_at timestamptz not null,
    primary key (auth_server_id, kind, value))`,
  `create unique index revocations_sequence on revocations (auth_server_id, sequence)`,
  `insert into revocations (auth_server_id, kind, value, sequence, expires_at, revoked_at)
    select auth_server_id, 'token', jti, sequence, expires_at, created_at from earlier_revocations`,
  `insert into revocation_streams (auth_server_id, last_sequence)
    select auth_server_id, max(sequence) from earlier_revocations group by auth_server_id`,
  ...secured('revocation_streams'),
  ...secured('revocations'),
  ...sweepable('revocations'),
  // Not of deletions: what is swept has no effect any more, and readers need not wake up for it.
  `create trigger notify after insert or update on revocations
    for each row execute function notify_change('auth_server_id')`,
]
