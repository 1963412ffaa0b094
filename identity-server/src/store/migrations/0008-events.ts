import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'

/**
 * Events and the audit log. Both are only ever added to: no role may change a row, and what is too old goes as a whole.
 *
 * Events stand in one partition for each day, so that forgetting a day costs nothing, however many there were. Their id
 * (UUID version 7) begins with their time, so it is the key of the partitions too. They have no foreign key: one that
 * was checked for every row would cost more than the row, and an event may come after the end of its auth server.
 */
export async function up(db: Kysely<Tables>): Promise<void> {
  for (const statement of [...events, ...partitions, ...auditLog]) await sql.raw(statement).execute(db)
}

const events = [
  // The smallest id of a time: 48 bits of milliseconds (RFC 9562 section 5.7), then zeros.
  `create function first_event_id(at timestamptz) returns uuid language sql immutable parallel safe as $$
    select (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$`,
  `create table events (
    auth_server_id text not null,
    id uuid not null,
    at timestamptz not null,
    type text not null,
    client_id text,
    subject text,
    data jsonb not null,
    primary key (auth_server_id, id)) partition by range (id)`,
  `alter table events enable row level security`,
  `alter table events force row level security`,
  // Not those of an earlier auth server of the same id: they may be somebody else's.
  `create policy tenant on events for select to postern_app using (
    auth_server_id = current_setting('postern.auth_server', true)
    and id >= (select first_event_id(a.created_at) from auth_servers a
      where a.id = current_setting('postern.auth_server', true)))`,
  `grant select on events to postern_app`,
  `create policy record on events for insert to postern_maintenance with check (true)`,
  `grant insert on events to postern_maintenance`,
]

/**
 * Only the owner may make and drop tables, so these two functions run as the owner, and maintenance may call them. Made
 * apart and then attached, a partition does not make readers and writers of the others wait.
 */
const partitions = [
  `create function create_events_partition(day date) returns void
    language plpgsql security definer set search_path from current as $$
    declare
      partition text := 'events_' || to_char(day, 'YYYYMMDD');
      starts timestamptz := day::timestamp at time zone 'UTC';
      ends timestamptz := (day + 1)::timestamp at time zone 'UTC';
    begin
      perform pg_advisory_xact_lock(hashtextextended('partitions of events', 0));
      if to_regclass(quote_ident(partition)) is not null then return; end if;
      execute format('create table %I (like events)', partition);
      execute format('alter table %I enable row level security', partition);
      execute format('alter table %I force row level security', partition);
      execute format('alter table events attach partition %I for values from (%L) to (%L)',
        partition, first_event_id(starts), first_event_id(ends));
    end $$`,
  // Drops the days that ended before a time. It waits for whoever reads the table, but not for long: the next run will do.
  `create function drop_events_partitions(before timestamptz) returns integer
    language plpgsql security definer set search_path from current set lock_timeout = '2s' as $$
    declare
      partition text;
      dropped integer := 0;
    begin
      perform pg_advisory_xact_lock(hashtextextended('partitions of events', 0));
      for partition in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'events'::regclass
          and (to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamp at time zone 'UTC' <= before
      loop
        execute format('drop table %I', partition);
        dropped := dropped + 1;
      end loop;
      return dropped;
    end $$`,
  `revoke all on function create_events_partition(date) from public`,
  `revoke all on function drop_events_partitions(timestamptz) from public`,
  `grant execute on function create_events_partition(date) to postern_maintenance`,
  `grant execute on function drop_events_partitions(timestamptz) to postern_maintenance`,
]

const ownOrganization = `current_setting('postern.organization', true) = any (ancestors)`

/**
 * The audit log outlives what it tells of: it refers to nothing, and keeps the path of organizations above, whose
 * administrators may read it also when the auth server, or the organization itself, is gone.
 */
const auditLog = [
  `create table audit_log (
    id uuid primary key,
    at timestamptz not null,
    ancestors text[] not null check (array_length(ancestors, 1) > 0),
    auth_server_id text,
    actor text,
    actor_token text,
    action text not null,
    target text not null,
    changes jsonb not null)`,
  `create index audit_log_at on audit_log (at)`,
  `create index audit_log_auth_server on audit_log (auth_server_id, id)`,
  `alter table audit_log enable row level security`,
  `alter table audit_log force row level security`,
  `create policy tenant on audit_log to postern_app using (${ownOrganization}) with check (${ownOrganization})`,
  `grant select, insert on audit_log to postern_app`,
  `create policy sweep on audit_log to postern_maintenance using (true)`,
  `grant select (at), delete on audit_log to postern_maintenance`,
]
