//! What the catalogs say about a table, in statements that only read.

/// The catalogs that are read.
pub const CATALOGS: [&str; 18] = [
    "information_schema.role_table_grants",
    "information_schema.triggered_update_columns",
    "information_schema.triggers",
    "pg_catalog.pg_attribute",
    "pg_catalog.pg_class",
    "pg_catalog.pg_constraint",
    "pg_catalog.pg_depend",
    "pg_catalog.pg_description",
    "pg_catalog.pg_index",
    "pg_catalog.pg_indexes",
    "pg_catalog.pg_inherits",
    "pg_catalog.pg_namespace",
    "pg_catalog.pg_policy",
    "pg_catalog.pg_publication_rel",
    "pg_catalog.pg_rewrite",
    "pg_catalog.pg_sequence",
    "pg_catalog.pg_statistic_ext",
    "pg_catalog.pg_trigger",
];

/// What belongs to the table and cannot be carried over, in words. The number 2618
/// is that of `pg_rewrite` in `pg_depend`, 2606 of `pg_constraint`, 2620 of
/// `pg_trigger`, 1259 of `pg_class`.
pub(crate) const OBSTACLES: &str = "\
with target as (
    select owner.* , space.nspname from pg_catalog.pg_class owner
    join pg_catalog.pg_namespace space on space.oid = owner.relnamespace
    where space.nspname = $1 and owner.relname = $2
)
select 'it is a partition or a child of another table' from target, pg_catalog.pg_inherits
    where inhrelid = target.oid
union all select 'it has tables that inherit from it' from target, pg_catalog.pg_inherits
    where inhparent = target.oid and target.relkind = 'r'
union all select 'it is no ordinary table that is kept on disk' from target
    where relkind not in ('r', 'p') or relpersistence <> 'p'
union all select 'it has row-level security' from target where relrowsecurity or relforcerowsecurity
union all select 'it has storage parameters, which a partitioned table cannot have' from target
    where reloptions is not null
union all select 'it has a tablespace of its own' from target where reltablespace <> 0
union all select 'the policy ' || polname || ' belongs to it' from target, pg_catalog.pg_policy where polrelid = target.oid
union all select 'the foreign key ' || conname || ' of another table points at it'
    from target, pg_catalog.pg_constraint where confrelid = target.oid and contype = 'f' and conparentid = 0
union all select 'the exclusion constraint ' || conname || ' belongs to it'
    from target, pg_catalog.pg_constraint where conrelid = target.oid and contype = 'x'
union all select distinct 'the view or rule of ' || view.relname || ' depends on it'
    from target, pg_catalog.pg_depend dependent
    join pg_catalog.pg_rewrite rule on rule.oid = dependent.objid
    join pg_catalog.pg_class view on view.oid = rule.ev_class
    where dependent.classid = 2618 and dependent.refclassid = 1259 and dependent.refobjid = target.oid
union all select 'the extended statistics ' || stxname || ' belong to it'
    from target, pg_catalog.pg_statistic_ext where stxrelid = target.oid
union all select 'a publication has it' from target, pg_catalog.pg_publication_rel where prrelid = target.oid
union all select 'the trigger ' || tgname || ' is none that a partitioned table can have'
    from target, pg_catalog.pg_trigger where tgrelid = target.oid and not tgisinternal
    and (tgenabled <> 'O' or tgtype & 32 <> 0 or tgconstraint <> 0 or tgoldtable is not null or tgnewtable is not null)
union all select 'the constraint or index ' || named.conname || ' has a comment'
    from target, pg_catalog.pg_constraint named join pg_catalog.pg_description said
    on said.objoid = named.oid and said.classoid = 2606 where named.conrelid = target.oid and named.contype <> 'c'
union all select 'the index ' || related.relname || ' has a comment'
    from target, pg_catalog.pg_index indexed join pg_catalog.pg_class related on related.oid = indexed.indexrelid
    join pg_catalog.pg_description said on said.objoid = related.oid and said.classoid = 1259
    where indexed.indrelid = target.oid
union all select 'the trigger ' || commented.tgname || ' has a comment'
    from target, pg_catalog.pg_trigger commented join pg_catalog.pg_description said
    on said.objoid = commented.oid and said.classoid = 2620 where commented.tgrelid = target.oid
union all select 'the foreign key ' || conname || ' has ON DELETE SET … for some of its columns only'
    from target, pg_catalog.pg_constraint where conrelid = target.oid and contype = 'f' and confdelsetcols is not null
union all select 'its replica identity is not the default' from target where relreplident <> 'd'
union all select 'the index ' || related.relname || ' is the one that CLUSTER goes by'
    from target, pg_catalog.pg_index indexed join pg_catalog.pg_class related on related.oid = indexed.indexrelid
    where indexed.indrelid = target.oid and indexed.indisclustered
union all select 'the column ' || attname || ' has options'
    from target, pg_catalog.pg_attribute where attrelid = target.oid and attoptions is not null and not attisdropped
union all select 'privileges on single columns are granted' from target where exists (
    select from pg_catalog.pg_attribute where attrelid = target.oid and attacl is not null)
order by 1";

/// Primary keys and unique constraints.
pub(crate) const KEYS: &str = "\
select held.conname::text as name, held.contype::text as kind,
    (select string_agg(quote_ident(attribute.attname), ', ' order by part.place)
        from unnest(held.conkey) with ordinality as part (number, place)
        join pg_catalog.pg_attribute attribute
        on attribute.attrelid = owner.oid and attribute.attnum = part.number) as columns,
    held.condeferrable as deferrable, held.condeferred as deferred, indexes.indexdef as definition
from pg_catalog.pg_class owner
join pg_catalog.pg_namespace space on space.oid = owner.relnamespace
join pg_catalog.pg_constraint held on held.conrelid = owner.oid and held.contype in ('p', 'u')
join pg_catalog.pg_indexes indexes on indexes.schemaname = space.nspname and indexes.tablename = owner.relname
    and indexes.indexname = held.conname
where space.nspname = $1 and owner.relname = $2
order by held.contype, held.conname";

/// Indexes that are no constraint's.
pub(crate) const INDEXES: &str = "\
select related.relname::text as name, indexes.indexdef as definition
from pg_catalog.pg_class owner
join pg_catalog.pg_namespace space on space.oid = owner.relnamespace
join pg_catalog.pg_index indexed on indexed.indrelid = owner.oid
join pg_catalog.pg_class related on related.oid = indexed.indexrelid
join pg_catalog.pg_indexes indexes on indexes.schemaname = space.nspname and indexes.tablename = owner.relname
    and indexes.indexname = related.relname
where space.nspname = $1 and owner.relname = $2
    and not exists (select from pg_catalog.pg_constraint held
        where held.conindid = related.oid and held.contype in ('p', 'u', 'x'))
order by related.relname";

/// The columns of unique keys and indexes without the partition column.
pub(crate) const UNIQUE_WITHOUT: &str = "\
select related.relname::text
from pg_catalog.pg_class owner
join pg_catalog.pg_namespace space on space.oid = owner.relnamespace
join pg_catalog.pg_attribute key on key.attrelid = owner.oid
join pg_catalog.pg_index indexed on indexed.indrelid = owner.oid and indexed.indisunique
join pg_catalog.pg_class related on related.oid = indexed.indexrelid
where space.nspname = $1 and owner.relname = $2 and key.attname = $3
    and not key.attnum = any (indexed.indkey)
order by 1";

/// Foreign keys of the table.
pub(crate) const FOREIGN_KEYS: &str = "\
select held.conname::text as name,
    (select string_agg(quote_ident(attribute.attname), ', ' order by part.place)
        from unnest(held.conkey) with ordinality as part (number, place)
        join pg_catalog.pg_attribute attribute
        on attribute.attrelid = held.conrelid and attribute.attnum = part.number) as columns,
    quote_ident(around.nspname) || '.' || quote_ident(target.relname) as target,
    (select string_agg(quote_ident(attribute.attname), ', ' order by part.place)
        from unnest(held.confkey) with ordinality as part (number, place)
        join pg_catalog.pg_attribute attribute
        on attribute.attrelid = held.confrelid and attribute.attnum = part.number) as target_columns,
    held.confmatchtype::text as match_type, held.confupdtype::text as on_update,
    held.confdeltype::text as on_delete, held.condeferrable as deferrable, held.condeferred as deferred,
    held.convalidated as validated
from pg_catalog.pg_class owner
join pg_catalog.pg_namespace space on space.oid = owner.relnamespace
join pg_catalog.pg_constraint held on held.conrelid = owner.oid and held.contype = 'f'
join pg_catalog.pg_class target on target.oid = held.confrelid
join pg_catalog.pg_namespace around on around.oid = target.relnamespace
where space.nspname = $1 and owner.relname = $2 and held.conparentid = 0
order by held.conname";

/// Triggers, put together from what the standard's views have in words.
pub(crate) const TRIGGERS: &str = "\
select trigger_name::text as name, min(action_timing)::text as timing,
    string_agg(event_manipulation || coalesce((
        select ' OF ' || string_agg(quote_ident(of_column.event_object_column), ', ')
        from information_schema.triggered_update_columns of_column
        where of_column.trigger_schema = found.trigger_schema and of_column.trigger_name = found.trigger_name
            and of_column.event_object_table = found.event_object_table
            and found.event_manipulation = 'UPDATE'), ''), ' OR ' order by event_manipulation) as events,
    min(action_orientation)::text as orientation, min(action_condition)::text as condition,
    min(action_statement)::text as action
from information_schema.triggers found
where event_object_schema = $1 and event_object_table = $2
group by trigger_name order by trigger_name";

/// Privileges of others than the owner.
pub(crate) const GRANTS: &str = "\
select granted.grantee::text as grantee, string_agg(granted.privilege_type, ', ' order by granted.privilege_type) as privileges,
    bool_or(granted.is_grantable = 'YES') as is_grantable
from information_schema.role_table_grants granted
where granted.table_schema = $1 and granted.table_name = $2 and granted.grantee <> granted.grantor
group by granted.grantee order by granted.grantee";

/// Sequences of the table's columns, and the identities' settings.
pub(crate) const SEQUENCES: &str = "\
select quote_ident(key.attname) as column_name, link.deptype::text as link, key.attidentity::text as identity,
    quote_ident(around.nspname) || '.' || quote_ident(made.relname) as sequence,
    settings.seqstart as start_value, settings.seqincrement as increment_by, settings.seqmin as min_value,
    settings.seqmax as max_value, settings.seqcache as cache_size, settings.seqcycle as cycle
from pg_catalog.pg_class owner
join pg_catalog.pg_namespace space on space.oid = owner.relnamespace
join pg_catalog.pg_attribute key on key.attrelid = owner.oid
join pg_catalog.pg_depend link on link.classid = 1259 and link.refclassid = 1259
    and link.refobjid = owner.oid and link.refobjsubid = key.attnum and link.deptype in ('a', 'i')
join pg_catalog.pg_class made on made.oid = link.objid and made.relkind = 'S'
join pg_catalog.pg_namespace around on around.oid = made.relnamespace
join pg_catalog.pg_sequence settings on settings.seqrelid = made.oid
where space.nspname = $1 and owner.relname = $2
order by key.attnum";

/// The table's comment.
pub(crate) const COMMENT: &str = "\
select said.description
from pg_catalog.pg_class owner
join pg_catalog.pg_namespace space on space.oid = owner.relnamespace
join pg_catalog.pg_description said on said.objoid = owner.oid and said.classoid = 1259 and said.objsubid = 0
where space.nspname = $1 and owner.relname = $2";
