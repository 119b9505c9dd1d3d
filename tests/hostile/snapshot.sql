-- One row for each table and catalog: its name and a digest of what is in it.
-- ${LEDGER} is the prefix of the ledger's schemas, whose rows a run may change;
-- ${LOGIN} is the guest's login, whose password a run changes.
-- Catalogs are named with their columns where some columns change without
-- anybody's doing: the planner's figures, or what a rolled back CREATE INDEX
-- leaves by design.
WITH catalogs(name, query) AS (VALUES
  ('pg_authid', $q$SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,
      rolbypassrls, rolconnlimit, CASE WHEN rolname <> '${LOGIN}' THEN rolpassword END FROM pg_authid$q$),
  ('pg_auth_members', 'SELECT roleid::regrole, member::regrole, admin_option FROM pg_auth_members'),
  ('pg_db_role_setting', 'SELECT * FROM pg_db_role_setting'),
  ('pg_database', 'SELECT datname, datdba, datacl, datconnlimit FROM pg_database'),
  ('pg_tablespace', 'SELECT * FROM pg_tablespace'),
  ('pg_shdescription', 'SELECT * FROM pg_shdescription'),
  ('pg_shseclabel', 'SELECT * FROM pg_shseclabel'),
  ('pg_parameter_acl', 'SELECT * FROM pg_parameter_acl'),
  ('pg_subscription', 'SELECT subname, subowner FROM pg_subscription'),
  ('pg_replication_slots', 'SELECT slot_name FROM pg_replication_slots'),
  ('pg_prepared_xacts', 'SELECT gid FROM pg_prepared_xacts'),
  ('pg_class', $q$SELECT oid, relname, relnamespace, relowner, relkind, relacl, relrowsecurity, relforcerowsecurity,
      reloptions, relreplident, relispartition, relpersistence, reltablespace FROM pg_class WHERE oid >= 16384$q$),
  ('pg_attribute', 'SELECT * FROM pg_attribute WHERE attrelid >= 16384'),
  ('pg_proc', 'SELECT * FROM pg_proc WHERE oid >= 16384'),
  ('pg_type', 'SELECT * FROM pg_type WHERE oid >= 16384'),
  ('pg_operator', 'SELECT * FROM pg_operator WHERE oid >= 16384'),
  ('pg_index', 'SELECT * FROM pg_index WHERE indexrelid >= 16384'),
  ('pg_description', 'SELECT * FROM pg_description WHERE objoid >= 16384'),
  ('pg_namespace', 'SELECT * FROM pg_namespace WHERE nspname !~ ''^pg_(toast_)?temp_'''),
  ('pg_largeobject_metadata', 'SELECT * FROM pg_largeobject_metadata'),
  ('pg_sequence', 'SELECT * FROM pg_sequence')
), rest(name) AS (VALUES
  ('pg_attrdef'), ('pg_constraint'), ('pg_trigger'), ('pg_policy'), ('pg_default_acl'), ('pg_cast'), ('pg_rewrite'),
  ('pg_extension'), ('pg_event_trigger'), ('pg_foreign_server'), ('pg_foreign_data_wrapper'), ('pg_user_mapping'),
  ('pg_foreign_table'), ('pg_publication'), ('pg_publication_rel'), ('pg_collation'), ('pg_conversion'), ('pg_opclass'),
  ('pg_opfamily'), ('pg_amop'), ('pg_amproc'), ('pg_ts_config'), ('pg_ts_dict'), ('pg_ts_parser'), ('pg_ts_template'),
  ('pg_language'), ('pg_seclabel'), ('pg_inherits'), ('pg_enum'), ('pg_aggregate'), ('pg_am'), ('pg_transform'),
  ('pg_statistic_ext'), ('pg_init_privs'), ('pg_range'), ('pg_partitioned_table')
), tables(name) AS (
  SELECT format('%I.%I', n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT starts_with(n.nspname, '${LEDGER}')
), queries(name, query) AS (
  SELECT * FROM catalogs WHERE to_regclass('pg_catalog.' || name) IS NOT NULL
  UNION ALL SELECT name, 'SELECT * FROM pg_catalog.' || name FROM rest
  UNION ALL SELECT name, 'SELECT * FROM ONLY ' || name FROM tables
)
SELECT name || ' ' || coalesce((xpath('//d/text()', query_to_xml(
  format('SELECT md5(string_agg(x::text, chr(10) ORDER BY x::text)) AS d FROM (%s) x', query),
  false, false, '')))[1]::text, 'empty')
FROM queries ORDER BY name;
