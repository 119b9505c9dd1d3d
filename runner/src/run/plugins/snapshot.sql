WITH schemas AS (
    SELECT oid, nspname FROM pg_catalog.pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND nspname <> {without}
), of_extensions AS (
    SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), relations AS (
    SELECT c.*, pg_catalog.format('%I.%I', s.nspname, c.relname) AS name,
        CASE c.relkind
            WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
            WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence'
            WHEN 'c' THEN 'type' END AS word
    FROM pg_catalog.pg_class c JOIN schemas s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
        AND (1259, c.oid) NOT IN (SELECT classid::bigint, objid FROM of_extensions)
), routines AS (
    SELECT p.*, pg_catalog.format('%s', p.oid::pg_catalog.regprocedure) AS name
    FROM pg_catalog.pg_proc p JOIN schemas s ON s.oid = p.pronamespace
    WHERE (1255, p.oid) NOT IN (SELECT classid::bigint, objid FROM of_extensions)
), types AS (
    SELECT t.*, pg_catalog.format_type(t.oid, NULL) AS name
    FROM pg_catalog.pg_type t JOIN schemas s ON s.oid = t.typnamespace
    WHERE t.typtype IN ('d', 'e', 'r') AND (1247, t.oid) NOT IN (SELECT classid::bigint, objid FROM of_extensions)
)
SELECT 'schema', pg_catalog.quote_ident(nspname), (SELECT nspacl::text FROM pg_catalog.pg_namespace n WHERE n.oid = schemas.oid)
FROM schemas
UNION ALL
SELECT 'extension', pg_catalog.quote_ident(extname), extversion FROM pg_catalog.pg_extension
UNION ALL
SELECT word, name, pg_catalog.concat_ws(' ',
    CASE relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END,
    'owner ' || pg_catalog.pg_get_userbyid(relowner),
    'privileges ' || relacl::text,
    'with ' || pg_catalog.array_to_string(reloptions, ', '),
    CASE WHEN relrowsecurity THEN 'row security' END,
    CASE WHEN relforcerowsecurity THEN 'forced' END,
    CASE WHEN relreplident <> 'd' THEN 'replica identity ' || relreplident::text END,
    'partition by ' || CASE WHEN relkind = 'p' THEN pg_catalog.pg_get_partkeydef(oid) END,
    pg_catalog.pg_get_expr(relpartbound, oid),
    'inherits ' || (SELECT pg_catalog.string_agg(inhparent::pg_catalog.regclass::text, ', ' ORDER BY inhseqno)
        FROM pg_catalog.pg_inherits WHERE inhrelid = relations.oid),
    CASE WHEN relkind IN ('v', 'm') THEN 'as ' || pg_catalog.pg_get_viewdef(oid) END)
FROM relations
UNION ALL
SELECT 'column of ' || word, name, pg_catalog.concat_ws(' ',
    pg_catalog.to_char(pg_catalog.row_number() OVER (PARTITION BY attrelid ORDER BY attnum), 'FM000'),
    pg_catalog.quote_ident(attname), pg_catalog.format_type(atttypid, atttypmod),
    'collate ' || (SELECT pg_catalog.quote_ident(collname) FROM pg_catalog.pg_collation
        WHERE pg_collation.oid = attcollation
            AND attcollation <> (SELECT typcollation FROM pg_catalog.pg_type WHERE pg_type.oid = atttypid)),
    CASE WHEN attnotnull THEN 'not null' END,
    CASE attgenerated WHEN 's' THEN 'generated' END,
    CASE attidentity WHEN 'a' THEN 'identity always' WHEN 'd' THEN 'identity by default' END,
    'default ' || (SELECT pg_catalog.pg_get_expr(adbin, adrelid) FROM pg_catalog.pg_attrdef
        WHERE adrelid = attrelid AND adnum = attnum),
    'storage ' || NULLIF(attstorage, (SELECT typstorage FROM pg_catalog.pg_type WHERE pg_type.oid = atttypid))::text,
    'privileges ' || attacl::text)
FROM pg_catalog.pg_attribute JOIN relations ON relations.oid = attrelid
WHERE attnum > 0 AND NOT attisdropped AND relkind <> 'S'
UNION ALL
SELECT 'constraint of ' || COALESCE(relations.name, types.name), pg_catalog.quote_ident(conname),
    pg_catalog.pg_get_constraintdef(pg_constraint.oid) || CASE WHEN NOT convalidated THEN ' (not validated)' ELSE '' END
FROM pg_catalog.pg_constraint LEFT JOIN relations ON relations.oid = conrelid LEFT JOIN types ON types.oid = contypid
WHERE (relations.oid IS NOT NULL OR types.oid IS NOT NULL) AND contype <> 't'
UNION ALL
SELECT 'index of ' || relations.name, pg_catalog.pg_get_indexdef(indexrelid), pg_catalog.concat_ws(' ',
    CASE WHEN NOT indisvalid THEN 'invalid' END, CASE WHEN indisclustered THEN 'clustered' END,
    CASE WHEN indisreplident THEN 'replica identity' END)
FROM pg_catalog.pg_index JOIN relations ON relations.oid = indrelid
UNION ALL
SELECT 'trigger of ' || relations.name, pg_catalog.quote_ident(tgname),
    pg_catalog.pg_get_triggerdef(pg_trigger.oid) || CASE tgenabled WHEN 'O' THEN '' ELSE ' enabled ' || tgenabled::text END
FROM pg_catalog.pg_trigger JOIN relations ON relations.oid = tgrelid WHERE NOT tgisinternal
UNION ALL
SELECT 'rule of ' || relations.name, pg_catalog.quote_ident(rulename), pg_catalog.pg_get_ruledef(pg_rewrite.oid)
FROM pg_catalog.pg_rewrite JOIN relations ON relations.oid = ev_class WHERE rulename <> '_RETURN'
UNION ALL
SELECT 'policy of ' || relations.name, pg_catalog.quote_ident(polname), pg_catalog.concat_ws(' ',
    CASE WHEN polpermissive THEN 'permissive' ELSE 'restrictive' END, 'for ' || polcmd::text,
    'to ' || (SELECT pg_catalog.string_agg(CASE role WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(role) END, ', ')
        FROM pg_catalog.unnest(polroles) role),
    'using ' || pg_catalog.pg_get_expr(polqual, polrelid), 'check ' || pg_catalog.pg_get_expr(polwithcheck, polrelid))
FROM pg_catalog.pg_policy JOIN relations ON relations.oid = polrelid
UNION ALL
SELECT 'statistics', pg_catalog.quote_ident(stxname), pg_catalog.pg_get_statisticsobjdef(pg_statistic_ext.oid)
FROM pg_catalog.pg_statistic_ext JOIN relations ON relations.oid = stxrelid
UNION ALL
SELECT 'sequence at', relations.name, pg_catalog.concat_ws(' ', data_type::text, start_value, min_value, max_value,
    increment_by, CASE WHEN cycle THEN 'cycle' END, 'cache ' || cache_size, 'last ' || last_value,
    CASE WHEN last_value IS NULL THEN 'not called' END,
    'owned by ' || (SELECT pg_catalog.format('%s.%I', refobjid::pg_catalog.regclass, attname)
        FROM pg_catalog.pg_depend JOIN pg_catalog.pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
        WHERE classid = 1259 AND objid = relations.oid AND refclassid = 1259 AND deptype IN ('a', 'i')))
FROM pg_catalog.pg_sequences JOIN relations
    ON relations.name = pg_catalog.format('%I.%I', schemaname, sequencename) AND relkind = 'S'
UNION ALL
SELECT 'function', name, pg_catalog.concat_ws(' ', CASE prokind WHEN 'a' THEN 'aggregate'
    ELSE pg_catalog.pg_get_functiondef(oid) END, 'owner ' || pg_catalog.pg_get_userbyid(proowner), proacl::text)
FROM routines
UNION ALL
SELECT 'type', name, pg_catalog.concat_ws(' ',
    CASE typtype WHEN 'd' THEN 'domain of ' || pg_catalog.format_type(typbasetype, typtypmod) WHEN 'e' THEN 'enum' ELSE 'range' END,
    CASE WHEN typnotnull THEN 'not null' END, 'default ' || typdefault,
    (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(enumlabel), ', ' ORDER BY enumsortorder)
        FROM pg_catalog.pg_enum WHERE enumtypid = types.oid))
FROM types
UNION ALL
SELECT 'comment on ' || word, name, pg_catalog.concat_ws(' ',
    (SELECT pg_catalog.quote_ident(attname) FROM pg_catalog.pg_attribute WHERE attrelid = objoid AND attnum = objsubid),
    description)
FROM pg_catalog.pg_description JOIN relations ON relations.oid = objoid
WHERE classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND (objsubid = 0 OR EXISTS (SELECT FROM pg_catalog.pg_attribute
        WHERE attrelid = objoid AND attnum = objsubid AND NOT attisdropped))
UNION ALL
SELECT 'comment on function', name, description
FROM pg_catalog.pg_description JOIN routines ON routines.oid = objoid
WHERE classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass
UNION ALL
SELECT 'comment on type', name, description
FROM pg_catalog.pg_description JOIN types ON types.oid = objoid
WHERE classoid = 'pg_catalog.pg_type'::pg_catalog.regclass
UNION ALL
SELECT 'comment on constraint of ' || COALESCE(relations.name, types.name), pg_catalog.quote_ident(conname), description
FROM pg_catalog.pg_description JOIN pg_catalog.pg_constraint ON pg_constraint.oid = objoid
    LEFT JOIN relations ON relations.oid = conrelid LEFT JOIN types ON types.oid = contypid
WHERE classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND (relations.oid IS NOT NULL OR types.oid IS NOT NULL)
UNION ALL
SELECT 'comment on trigger of ' || relations.name, pg_catalog.quote_ident(tgname), description
FROM pg_catalog.pg_description JOIN pg_catalog.pg_trigger ON pg_trigger.oid = objoid
    JOIN relations ON relations.oid = tgrelid
WHERE classoid = 'pg_catalog.pg_trigger'::pg_catalog.regclass
UNION ALL
SELECT 'comment on index of ' || relations.name, indexrelid::pg_catalog.regclass::text, description
FROM pg_catalog.pg_description JOIN pg_catalog.pg_index ON indexrelid = objoid JOIN relations ON relations.oid = indrelid
WHERE classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
